// Rows whose first largest logit is at the label: a warp votes on a row. Integers add up to the
// same in any order, so blocks may count with atomics.
#include "kernels/accuracy.h"

#include "engine/tune/registry.h"
#include "kernels/cuda/common.cuh"

namespace engine {
namespace cuda {
namespace {

constexpr int kAccuracyThreads = 1024;
constexpr int kRowsPerBlock = 256;

// The label's logit exceeds all before it and is not exceeded by any after it; NaN fails both.
__device__ bool row_is_correct(const float* row, int classes, int label) {
  if (label < 0 || label >= classes) return false;
  const float at_label = row[label];
  bool holds = true;
  for (int j = static_cast<int>(threadIdx.x) % kWarp; j < classes; j += kWarp) {
    const float logit = row[j];  // once, on neither side of a branch: one access a warp
    holds = holds && (j < label ? logit < at_label : logit <= at_label);
  }
  return __all_sync(kAllLanes, holds) != 0;
}

__global__ void accuracy_kernel(const float* logits, const std::int32_t* labels,
                                std::int32_t* correct, std::int64_t rows, int classes) {
  ENGINE_SHARED(int, counts, [kAccuracyThreads / kWarp]);
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  const std::int64_t first = static_cast<std::int64_t>(blockIdx.x) * kRowsPerBlock;
  int count = 0;
  for (std::int64_t row = first + warp; row < rows && row < first + kRowsPerBlock;
       row += kAccuracyThreads / kWarp)
    count += row_is_correct(logits + row * classes, classes, labels[row]);
  if (threadIdx.x % kWarp == 0) counts[warp] = count;
  __syncthreads();
  if (threadIdx.x != 0) return;
  for (int other = 1; other < kAccuracyThreads / kWarp; ++other) count += counts[other];
  if (gridDim.x == 1)
    *correct = count;
  else
    atomicAdd(correct, count);
}

void launch_accuracy(const LaunchArguments& launch) {
  const Shape& shape = launch.inputs[0].type.shape;
  const cudaStream_t stream = native_stream(launch.stream);
  auto* correct = launch.outputs[0].as<std::int32_t>();
  const std::int64_t blocks = ceil_div<std::int64_t>(shape[0], kRowsPerBlock);
  if (blocks != 1) launch.stream.fill(correct, 0, sizeof *correct);
  run("accuracy", accuracy_kernel, dim3(static_cast<unsigned>(blocks)), kAccuracyThreads, stream,
      launch.inputs[0].as<float>(), launch.inputs[1].as<std::int32_t>(), correct, shape[0],
      static_cast<int>(shape[1]));
}

}  // namespace
}  // namespace cuda

void register_accuracy_cuda(CandidateRegistry& registry) {
  registry.add(SimpleCandidate{
      .op = "accuracy", .backend = "cuda", .id = "cuda.simt", .prepare = [](const Problem&) {
        return SimpleCandidate::Launch(cuda::launch_accuracy);
      }});
}

}  // namespace engine
