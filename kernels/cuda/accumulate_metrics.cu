// The bookkeeping at the end of a step: a handful of scalars, one thread each.
#include "kernels/accumulate_metrics.h"

#include "engine/tune/registry.h"
#include "kernels/cuda/common.cuh"

namespace engine {
namespace cuda {
namespace {

struct Metric {
  const double* total;
  const void* value;
  double* new_total;
  double weight;
  bool is_integer;
};

struct Metrics {
  const std::int64_t* step;
  std::int64_t* new_step;
  int count;
  Metric metric[kMaxMetrics];
};

__global__ void accumulate_metrics_kernel(Metrics metrics) {
  const int k = static_cast<int>(threadIdx.x);
  if (k == metrics.count) *metrics.new_step = *metrics.step + 1;
  if (k >= metrics.count) return;
  const Metric& metric = metrics.metric[k];
  const double value = metric.is_integer
                           ? static_cast<double>(*static_cast<const std::int32_t*>(metric.value))
                           : static_cast<double>(*static_cast<const float*>(metric.value));
  *metric.new_total = *metric.total + metric.weight * value;
}

Metrics bind(const LaunchArguments& launch, const std::vector<double>& weights) {
  Metrics metrics{launch.inputs[0].as<std::int64_t>(),
                  launch.outputs[0].as<std::int64_t>(),
                  static_cast<int>(weights.size()),
                  {}};
  for (std::size_t k = 0; k < weights.size(); ++k) {
    const TensorView& value = launch.inputs[1 + weights.size() + k];
    metrics.metric[k] = {launch.inputs[1 + k].as<double>(), value.data,
                         launch.outputs[1 + k].as<double>(), weights[k],
                         value.type.dtype == DType::i32};
  }
  return metrics;
}

SimpleCandidate::Launch prepare_accumulate_metrics(const Problem& problem) {
  const std::vector<double> weights = metric_weights(problem);
  ENGINE_CHECK(weights.size() <= kMaxMetrics, "accumulate_metrics: too many metrics");
  return [weights](const LaunchArguments& launch) {
    run("accumulate_metrics", accumulate_metrics_kernel, dim3(1), kWarp,
        native_stream(launch.stream), bind(launch, weights));
  };
}

}  // namespace
}  // namespace cuda

void register_accumulate_metrics_cuda(CandidateRegistry& registry) {
  registry.add(SimpleCandidate{.op = "accumulate_metrics",
                               .backend = "cuda",
                               .id = "cuda.simt",
                               .prepare = cuda::prepare_accumulate_metrics});
}

}  // namespace engine
