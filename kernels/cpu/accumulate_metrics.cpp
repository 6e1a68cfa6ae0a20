// The bookkeeping at the end of a step: a handful of scalars, on the calling thread.
#include "kernels/accumulate_metrics.h"

#include "engine/tune/registry.h"

namespace engine {
namespace cpu {
namespace {

double scalar(const TensorView& view) {
  if (view.type.dtype == DType::i32) return *view.as<std::int32_t>();
  return *view.as<float>();
}

SimpleCandidate::Launch prepare(const Problem& problem) {
  return [weights = metric_weights(problem)](const LaunchArguments& arguments) {
    const std::size_t n = weights.size();
    *arguments.outputs[0].as<std::int64_t>() = *arguments.inputs[0].as<std::int64_t>() + 1;
    for (std::size_t k = 0; k < n; ++k)
      *arguments.outputs[1 + k].as<double>() =
          *arguments.inputs[1 + k].as<double>() + weights[k] * scalar(arguments.inputs[1 + n + k]);
  };
}

}  // namespace
}  // namespace cpu

void register_accumulate_metrics_cpu(CandidateRegistry& registry) {
  registry.add(SimpleCandidate{
      .op = "accumulate_metrics", .backend = "cpu", .id = "cpu.loop", .prepare = cpu::prepare});
}

}  // namespace engine
