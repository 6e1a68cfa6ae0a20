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
  const float* predicate;  ///< null: every step is good
  const std::int64_t* step;
  std::int64_t* new_step;
  const std::int64_t* skipped;  ///< null: the step counter stops at a bad step
  std::int64_t* new_skipped;
  int count;
  Metric metric[kMaxMetrics];
};

__device__ void advance(const Metrics& metrics, bool good) {
  *metrics.new_step = *metrics.step + (good || metrics.skipped != nullptr ? 1 : 0);
  if (metrics.skipped != nullptr) *metrics.new_skipped = *metrics.skipped + (good ? 0 : 1);
}

__global__ void accumulate_metrics_kernel(Metrics metrics) {
  const int k = static_cast<int>(threadIdx.x);
  if (k > metrics.count) return;
  const bool good = metrics.predicate == nullptr || isfinite(*metrics.predicate);
  if (k == metrics.count) return advance(metrics, good);
  const Metric& metric = metrics.metric[k];
  const double value = metric.is_integer
                           ? static_cast<double>(*static_cast<const std::int32_t*>(metric.value))
                           : static_cast<double>(*static_cast<const float*>(metric.value));
  *metric.new_total = good ? *metric.total + metric.weight * value : *metric.total;
}

Metrics bind(const LaunchArguments& launch, const MetricsAttributes& attributes) {
  Metrics metrics{};
  metrics.step = launch.inputs[0].as<std::int64_t>();
  metrics.new_step = launch.outputs[0].as<std::int64_t>();
  if (attributes.has_predicate())
    metrics.predicate = launch.inputs[attributes.predicate()].as<float>();
  if (attributes.has_skipped()) {
    metrics.skipped = launch.inputs[attributes.skipped()].as<std::int64_t>();
    metrics.new_skipped = launch.outputs[attributes.new_skipped()].as<std::int64_t>();
  }
  for (std::size_t k = 0; k < attributes.weights.size(); ++k) {
    const TensorView& value = launch.inputs[attributes.value(k)];
    metrics.metric[metrics.count++] = {launch.inputs[attributes.total(k)].as<double>(), value.data,
                                       launch.outputs[attributes.total(k)].as<double>(),
                                       attributes.weights[k], value.type.dtype == DType::i32};
  }
  return metrics;
}

SimpleCandidate::Launch prepare_accumulate_metrics(const Problem& problem) {
  const auto attributes = MetricsAttributes::from(problem.attributes);
  ENGINE_CHECK(attributes.weights.size() <= kMaxMetrics, "accumulate_metrics: too many metrics");
  return [attributes](const LaunchArguments& launch) {
    run("accumulate_metrics", accumulate_metrics_kernel, dim3(1), kWarp,
        native_stream(launch.stream), bind(launch, attributes));
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
