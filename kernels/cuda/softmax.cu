// Softmax, its logarithm, and their gradients from the result.
//
// A thread reads and writes the same elements of a row, and all that is summed over the row is read
// before the first write to it: results may take the place of operands.
#include "kernels/softmax.h"

#include "engine/tune/registry.h"
#include "kernels/cuda/rows.cuh"
#include "kernels/cuda/softmax_row.cuh"

namespace engine {
namespace cuda {
namespace {

template <int kWarps, bool kLog>
__global__ void softmax_kernel(const float* x, float* y, std::int64_t rows, int length) {
  ENGINE_SHARED(float, shared, [kRowWarps]);
  const RowTeam<kWarps> team;
  if (team.row >= rows) return;
  const float* from = x + team.row * length;
  float* to = y + team.row * length;
  const auto [maximum, sum] = softmax_statistics<kWarps>(from, length, team.thread, shared);
  const float rest = kLog ? logf(sum) : 1.0f / sum;
  for (int j = team.thread; j < length; j += team.kThreads) {
    const float shifted = from[j] - maximum;
    to[j] = kLog ? shifted - rest : expf(shifted) * rest;
  }
}

template <int kWarps, bool kLog>
__global__ void softmax_gradient_kernel(const float* dy, const float* y, float* dx,
                                        std::int64_t rows, int length) {
  ENGINE_SHARED(float, shared, [kRowWarps]);
  const RowTeam<kWarps> team;
  if (team.row >= rows) return;
  dy += team.row * length;
  y += team.row * length;
  dx += team.row * length;
  float sum = 0;
  for (int j = team.thread; j < length; j += team.kThreads) sum += kLog ? dy[j] : dy[j] * y[j];
  sum = group_sum<kWarps>(sum, shared);
  for (int j = team.thread; j < length; j += team.kThreads)
    dx[j] = kLog ? dy[j] - expf(y[j]) * sum : y[j] * (dy[j] - sum);
}

template <bool kLog>
void launch_softmax(const LaunchArguments& launch) {
  const Rows rows = Rows::of(launch.inputs[0].type);
  rows.run("softmax", softmax_kernel<1, kLog>, softmax_kernel<kRowWarps, kLog>,
           native_stream(launch.stream), launch.inputs[0].as<float>(),
           launch.outputs[0].as<float>(), rows.count, rows.length);
}

template <bool kLog>
void launch_gradient(const LaunchArguments& launch) {
  const Rows rows = Rows::of(launch.inputs[0].type);
  rows.run("softmax_gradient", softmax_gradient_kernel<1, kLog>,
           softmax_gradient_kernel<kRowWarps, kLog>, native_stream(launch.stream),
           launch.inputs[0].as<float>(), launch.inputs[1].as<float>(),
           launch.outputs[0].as<float>(), rows.count, rows.length);
}

void add(CandidateRegistry& registry, const char* op, void (*launch)(const LaunchArguments&)) {
  registry.add(SimpleCandidate{
      .op = op,
      .backend = "cuda",
      .id = "cuda.simt",
      .prepare = [launch](const Problem&) { return SimpleCandidate::Launch(launch); },
      .refuse = refuse_huge_rows});
}

}  // namespace
}  // namespace cuda

void register_softmax_cuda(CandidateRegistry& registry) {
  cuda::add(registry, "softmax", cuda::launch_softmax<false>);
  cuda::add(registry, "log_softmax", cuda::launch_softmax<true>);
  cuda::add(registry, "softmax_gradient", cuda::launch_gradient<false>);
  cuda::add(registry, "log_softmax_gradient", cuda::launch_gradient<true>);
}

}  // namespace engine
