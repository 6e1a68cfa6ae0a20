// Reference of adam.
#include "kernels/adam.h"

#include "engine/tune/registry.h"
#include "kernels/reference/multi_tensor.h"

namespace engine {

void register_adam_reference(ReferenceRegistry& registry) {
  registry.add("adam", multi_tensor_reference<OptimizerUpdate<Adam>>);
}

}  // namespace engine
