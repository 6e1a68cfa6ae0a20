// Reference of sgd, with and without momentum.
#include "kernels/sgd.h"

#include <cmath>

#include "engine/tune/registry.h"

namespace engine {
namespace {

void sgd(const Problem& problem, std::span<const ReferenceTensor> inputs,
         std::span<ReferenceTensor> outputs) {
  const auto operands = OptimizerOperands::of(problem);
  const double momentum = SgdAttributes::from(problem.attributes).momentum;
  const double rate = inputs[0].values[0];
  for (std::size_t n = 0; n < operands.count; ++n) {
    const auto& p = inputs[operands.parameter(n)].values;
    const auto& g = inputs[operands.gradient(n)].values;
    ReferenceTensor& new_p = outputs[operands.new_parameter(n)];
    for (std::size_t i = 0; i < p.size(); ++i) {
      const double carried = momentum > 0 ? momentum * inputs[operands.moment(n)].values[i] : 0.0;
      const double velocity = carried + g[i];
      const double velocity_magnitude = std::abs(carried) + std::abs(g[i]);
      new_p.values[i] = p[i] - rate * velocity;
      new_p.magnitudes.push_back(std::abs(p[i]) + std::abs(rate) * velocity_magnitude);
      if (momentum == 0) continue;
      ReferenceTensor& new_velocity = outputs[operands.new_moment(n)];
      new_velocity.values[i] = velocity;
      new_velocity.magnitudes.push_back(velocity_magnitude);
    }
  }
}

}  // namespace

void register_sgd_reference(ReferenceRegistry& registry) {
  registry.add("sgd", sgd);
}

}  // namespace engine
