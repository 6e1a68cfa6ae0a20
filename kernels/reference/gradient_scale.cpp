// Reference of gradient_scale.
#include "kernels/gradient_scale.h"

#include <span>

#include "engine/tune/registry.h"

namespace engine {
namespace {

void gradient_scale(const Problem& problem, std::span<const ReferenceTensor> inputs,
                    std::span<ReferenceTensor> outputs) {
  const auto attributes = GradientScaleAttributes::from(problem.attributes);
  bool finite = true;
  double sum = 0;
  for (std::size_t i = 1; i < inputs.size(); ++i)
    for (double value : inputs[i].values) {
      finite = finite && std::isfinite(value);
      if (i >= attributes.gradient(0)) sum += value * value;
    }
  outputs[0].values[0] =
      scale_of_gradients(attributes, static_cast<std::int64_t>(inputs[0].values[0]), finite, sum);
}

}  // namespace

void register_gradient_scale_reference(ReferenceRegistry& registry) {
  registry.add("gradient_scale", gradient_scale);
}

}  // namespace engine
