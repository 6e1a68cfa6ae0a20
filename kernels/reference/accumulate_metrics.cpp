// Reference of accumulate_metrics.
#include "kernels/accumulate_metrics.h"

#include <cmath>

#include "engine/tune/registry.h"

namespace engine {
namespace {

void accumulate_metrics(const Problem& problem, std::span<const ReferenceTensor> inputs,
                        std::span<ReferenceTensor> outputs) {
  const std::vector<double> weights = metric_weights(problem);
  outputs[0].values[0] = inputs[0].values[0] + 1;
  for (std::size_t k = 0; k < weights.size(); ++k) {
    const double total = inputs[1 + k].values[0];
    const double increase = weights[k] * inputs[1 + weights.size() + k].values[0];
    outputs[1 + k].values[0] = total + increase;
    outputs[1 + k].magnitudes = {std::abs(total) + std::abs(increase)};
  }
}

}  // namespace

void register_accumulate_metrics_reference(ReferenceRegistry& registry) {
  registry.add("accumulate_metrics", accumulate_metrics);
}

}  // namespace engine
