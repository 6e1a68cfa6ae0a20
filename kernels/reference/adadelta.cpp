// Reference of adadelta.
#include "kernels/adadelta.h"

#include "engine/tune/registry.h"
#include "kernels/reference/multi_tensor.h"

namespace engine {

void register_adadelta_reference(ReferenceRegistry& registry) {
  registry.add("adadelta", multi_tensor_reference<OptimizerUpdate<Adadelta>>);
}

}  // namespace engine
