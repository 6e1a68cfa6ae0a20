// Reference of rmsprop.
#include "kernels/rmsprop.h"

#include "engine/tune/registry.h"
#include "kernels/reference/multi_tensor.h"

namespace engine {

void register_rmsprop_reference(ReferenceRegistry& registry) {
  registry.add("rmsprop", multi_tensor_reference<OptimizerUpdate<Rmsprop>>);
}

}  // namespace engine
