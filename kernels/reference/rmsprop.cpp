// Reference of rmsprop, with its constants rounded to f32 as every kernel has them.
#include "kernels/rmsprop.h"

#include <cmath>

#include "engine/tune/registry.h"

namespace engine {
namespace {

void rmsprop(const Problem& problem, std::span<const ReferenceTensor> inputs,
             std::span<ReferenceTensor> outputs) {
  const auto operands = OptimizerOperands::of(problem);
  const auto attributes = RmspropAttributes::from(problem.attributes);
  const double rho = attributes.rho;
  const double rate = inputs[0].values[0];
  for (std::size_t n = 0; n < operands.count; ++n) {
    const auto& p = inputs[operands.parameter(n)].values;
    const auto& g = inputs[operands.gradient(n)].values;
    const auto& s = inputs[operands.moment(n)].values;
    ReferenceTensor& new_p = outputs[operands.new_parameter(n)];
    ReferenceTensor& new_s = outputs[operands.new_moment(n)];
    for (std::size_t i = 0; i < p.size(); ++i) {
      new_s.values[i] = rho * s[i] + (1 - rho) * g[i] * g[i];
      const double update = rate * g[i] / (std::sqrt(new_s.values[i]) + attributes.epsilon);
      new_p.values[i] = p[i] - update;
      new_p.magnitudes.push_back(std::abs(p[i]) + std::abs(update));
    }
  }
}

}  // namespace

void register_rmsprop_reference(ReferenceRegistry& registry) {
  registry.add("rmsprop", rmsprop);
}

}  // namespace engine
