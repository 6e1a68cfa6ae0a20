// The bookkeeping at the end of a step: a handful of scalars, on the calling thread.
#include "kernels/accumulate_metrics.h"

#include <cmath>

#include "engine/tune/registry.h"

namespace engine {
namespace cpu {
namespace {

double scalar(const TensorView& view) {
  if (view.type.dtype == DType::i32) return *view.as<std::int32_t>();
  return *view.as<float>();
}

void accumulate(const MetricsAttributes& metrics, const LaunchArguments& arguments) {
  const auto& in = arguments.inputs;
  const auto& out = arguments.outputs;
  const bool good = !metrics.has_predicate() || std::isfinite(*in[metrics.predicate()].as<float>());
  const bool advances = good || metrics.bad_steps == BadSteps::skipped;
  *out[0].as<std::int64_t>() = *in[0].as<std::int64_t>() + (advances ? 1 : 0);
  for (std::size_t k = 0; k < metrics.weights.size(); ++k) {
    const double total = *in[metrics.total(k)].as<double>();
    *out[metrics.total(k)].as<double>() =
        good ? total + metrics.weights[k] * scalar(in[metrics.value(k)]) : total;
  }
  if (metrics.has_skipped())
    *out[metrics.new_skipped()].as<std::int64_t>() =
        *in[metrics.skipped()].as<std::int64_t>() + (good ? 0 : 1);
}

SimpleCandidate::Launch prepare(const Problem& problem) {
  return [metrics = MetricsAttributes::from(problem.attributes)](const LaunchArguments& arguments) {
    accumulate(metrics, arguments);
  };
}

}  // namespace
}  // namespace cpu

void register_accumulate_metrics_cpu(CandidateRegistry& registry) {
  registry.add(SimpleCandidate{
      .op = "accumulate_metrics", .backend = "cpu", .id = "cpu.loop", .prepare = cpu::prepare});
}

}  // namespace engine
