// Reference of accumulate_metrics.
#include "kernels/accumulate_metrics.h"

#include <cmath>

#include "engine/tune/registry.h"

namespace engine {
namespace {

void accumulate_metrics(const Problem& problem, std::span<const ReferenceTensor> inputs,
                        std::span<ReferenceTensor> outputs) {
  const auto metrics = MetricsAttributes::from(problem.attributes);
  const auto in = [&](std::size_t i) { return inputs[i].values[0]; };
  const bool good = !metrics.has_predicate() || std::isfinite(in(metrics.predicate()));
  const bool advances = good || metrics.bad_steps == BadSteps::skipped;
  outputs[0].values[0] = in(0) + (advances ? 1 : 0);
  for (std::size_t k = 0; k < metrics.weights.size(); ++k) {
    const double total = in(metrics.total(k));
    const double increase = good ? metrics.weights[k] * in(metrics.value(k)) : 0;
    outputs[metrics.total(k)].values[0] = total + increase;
    outputs[metrics.total(k)].magnitudes = {std::abs(total) + std::abs(increase)};
  }
  if (metrics.has_skipped())
    outputs[metrics.new_skipped()].values[0] = in(metrics.skipped()) + (good ? 0 : 1);
}

}  // namespace

void register_accumulate_metrics_reference(ReferenceRegistry& registry) {
  registry.add("accumulate_metrics", accumulate_metrics);
}

}  // namespace engine
