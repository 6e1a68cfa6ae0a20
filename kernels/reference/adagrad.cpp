// Reference of adagrad.
#include "kernels/adagrad.h"

#include "engine/tune/registry.h"
#include "kernels/reference/multi_tensor.h"

namespace engine {

void register_adagrad_reference(ReferenceRegistry& registry) {
  registry.add("adagrad", multi_tensor_reference<OptimizerUpdate<Adagrad>>);
}

}  // namespace engine
