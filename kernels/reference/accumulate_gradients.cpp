// Reference of accumulate_gradients.
#include "kernels/accumulate_gradients.h"

#include "engine/tune/registry.h"
#include "kernels/reference/multi_tensor.h"

namespace engine {

void register_accumulate_gradients_reference(ReferenceRegistry& registry) {
  registry.add("accumulate_gradients", multi_tensor_reference<AccumulateGradients>);
}

}  // namespace engine
