// Reference of sgd, with and without momentum.
#include "kernels/sgd.h"

#include "engine/tune/registry.h"
#include "kernels/reference/multi_tensor.h"

namespace engine {
namespace {

void sgd(const Problem& problem, std::span<const ReferenceTensor> inputs,
         std::span<ReferenceTensor> outputs) {
  return problem.attributes.real("momentum") != 0
             ? multi_tensor_reference<OptimizerUpdate<Sgd<true>>>(problem, inputs, outputs)
             : multi_tensor_reference<OptimizerUpdate<Sgd<false>>>(problem, inputs, outputs);
}

}  // namespace

void register_sgd_reference(ReferenceRegistry& registry) {
  registry.add("sgd", sgd);
}

}  // namespace engine
