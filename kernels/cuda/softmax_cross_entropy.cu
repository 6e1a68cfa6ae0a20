// Softmax and cross-entropy in one, from logits. A row belongs to one warp, or to a whole block
// where it is long. The mean over rows is taken by one block in a fixed order: in the same launch
// where the batch is small enough for it, else from row losses kept in the workspace.
#include "kernels/softmax_cross_entropy.h"

#include "engine/tune/registry.h"
#include "kernels/cuda/common.cuh"

namespace engine {
namespace cuda {
namespace {

constexpr int kWarpsPerBlock = 8;
constexpr int kLongRow = 1024;                // classes from which a row gets a block
constexpr std::int64_t kFewElements = 16384;  // logits that one block takes on its own
constexpr int kOneBlockWarps = 32;

// Maximum of a row's logits and sum of exp(logit - maximum), by `kWarps` warps.
struct RowStatistics {
  float maximum, sum;
};

template <int kWarps>
__device__ RowStatistics row_statistics(const float* row, int classes, int thread, float* shared) {
  constexpr int kThreads = kWarps * kWarp;
  float maximum = -INFINITY;
  for (int j = thread; j < classes; j += kThreads) maximum = fmaxf(maximum, row[j]);
  maximum = group_max<kWarps>(maximum, shared);
  float sum = 0;
  for (int j = thread; j < classes; j += kThreads) sum += expf(row[j] - maximum);
  return {maximum, group_sum<kWarps>(sum, shared)};
}

__device__ float row_loss(RowStatistics statistics, const float* row, int classes, int label) {
  if (label < 0 || label >= classes) return NAN;
  return logf(statistics.sum) + (statistics.maximum - row[label]);
}

// One block: every warp sums the losses of its rows, then the first thread sums the warps.
__global__ void loss_in_one_block_kernel(const float* logits, const std::int32_t* labels,
                                         float* loss, int rows, int classes) {
  ENGINE_SHARED(float, sums, [kOneBlockWarps]);
  const int thread = static_cast<int>(threadIdx.x);
  float sum = 0;
  for (int row = thread / kWarp; row < rows; row += kOneBlockWarps) {
    const float* z = logits + static_cast<std::int64_t>(row) * classes;
    sum +=
        row_loss(row_statistics<1>(z, classes, thread % kWarp, nullptr), z, classes, labels[row]);
  }
  if (thread % kWarp == 0) sums[thread / kWarp] = sum;
  __syncthreads();
  if (thread != 0) return;
  for (int warp = 1; warp < kOneBlockWarps; ++warp) sum += sums[warp];
  *loss = rows == 0 ? 0.0f : sum / static_cast<float>(rows);
}

// kWarps 1: a block of kWarpsPerBlock rows. Otherwise one row a block.
template <int kWarps>
__global__ void row_losses_kernel(const float* logits, const std::int32_t* labels, float* losses,
                                  std::int64_t rows, int classes) {
  ENGINE_SHARED(float, shared, [kWarpsPerBlock]);
  constexpr int kThreads = kWarps * kWarp;
  const int thread = static_cast<int>(threadIdx.x) % kThreads;
  const std::int64_t row =
      blockIdx.x * std::int64_t{kWarpsPerBlock / kWarps} + static_cast<int>(threadIdx.x) / kThreads;
  if (row >= rows) return;
  const float* z = logits + row * classes;
  const RowStatistics statistics = row_statistics<kWarps>(z, classes, thread, shared);
  if (thread == 0) losses[row] = row_loss(statistics, z, classes, labels[row]);
}

__global__ void mean_kernel(const float* values, float* mean, std::int64_t count) {
  ENGINE_SHARED(float, shared, [kOneBlockWarps]);
  float sum = 0;
  for (std::int64_t i = threadIdx.x; i < count; i += kOneBlockWarps * kWarp) sum += values[i];
  sum = group_sum<kOneBlockWarps>(sum, shared);
  if (threadIdx.x == 0) *mean = sum / static_cast<float>(count);
}

// A thread reads and writes the same elements, and all reads for the statistics of a row come
// before the first write to it: dlogits may be logits.
template <int kWarps>
__global__ void gradient_kernel(const float* logits, const std::int32_t* labels, const float* dloss,
                                float* dlogits, std::int64_t rows, int classes) {
  ENGINE_SHARED(float, shared, [kWarpsPerBlock]);
  constexpr int kThreads = kWarps * kWarp;
  const int thread = static_cast<int>(threadIdx.x) % kThreads;
  const std::int64_t row =
      blockIdx.x * std::int64_t{kWarpsPerBlock / kWarps} + static_cast<int>(threadIdx.x) / kThreads;
  if (row >= rows) return;
  const float* z = logits + row * classes;
  float* dz = dlogits + row * classes;
  const RowStatistics statistics = row_statistics<kWarps>(z, classes, thread, shared);
  const int label = labels[row];
  const float scale = label < 0 || label >= classes ? NAN : *dloss / static_cast<float>(rows);
  for (int j = thread; j < classes; j += kThreads) {
    const float probability = expf(z[j] - statistics.maximum) / statistics.sum;
    dz[j] = (probability - (j == label ? 1.0f : 0.0f)) * scale;
  }
}

struct Extents {
  std::int64_t rows;
  int classes;
  bool one_block() const { return rows * classes <= kFewElements; }
  bool long_rows() const { return classes >= kLongRow; }
  dim3 grid() const {
    return dim3(
        static_cast<unsigned>(long_rows() ? rows : ceil_div<std::int64_t>(rows, kWarpsPerBlock)));
  }
  static Extents of(const TensorType& logits) {
    return {logits.shape[0], static_cast<int>(logits.shape[1])};
  }
};

constexpr int kThreads = kWarpsPerBlock * kWarp;

void launch_loss(const LaunchArguments& launch) {
  const Extents extents = Extents::of(launch.inputs[0].type);
  const cudaStream_t stream = native_stream(launch.stream);
  const float* logits = launch.inputs[0].as<float>();
  const auto* labels = launch.inputs[1].as<std::int32_t>();
  auto* loss = launch.outputs[0].as<float>();
  if (extents.one_block()) {
    run("softmax_cross_entropy", loss_in_one_block_kernel, dim3(1), kOneBlockWarps * kWarp, stream,
        logits, labels, loss, static_cast<int>(extents.rows), extents.classes);
    return;
  }
  auto* losses = static_cast<float*>(launch.workspace);
  run("softmax_cross_entropy",
      extents.long_rows() ? row_losses_kernel<kWarpsPerBlock> : row_losses_kernel<1>,
      extents.grid(), kThreads, stream, logits, labels, losses, extents.rows, extents.classes);
  run("softmax_cross_entropy", mean_kernel, dim3(1), kOneBlockWarps * kWarp, stream, losses, loss,
      extents.rows);
}

void launch_gradient(const LaunchArguments& launch) {
  const Extents extents = Extents::of(launch.inputs[0].type);
  run("softmax_cross_entropy_gradient",
      extents.long_rows() ? gradient_kernel<kWarpsPerBlock> : gradient_kernel<1>, extents.grid(),
      kThreads, native_stream(launch.stream), launch.inputs[0].as<float>(),
      launch.inputs[1].as<std::int32_t>(), launch.inputs[2].as<float>(),
      launch.outputs[0].as<float>(), extents.rows, extents.classes);
}

std::size_t loss_workspace(const Problem& problem) {
  const Extents extents = Extents::of(problem.inputs.at(0));
  return extents.one_block() ? 0 : static_cast<std::size_t>(extents.rows) * sizeof(float);
}

// Rows and classes are counted in 32 bits on the device.
std::string refuse_huge(const Problem& problem) {
  const Shape& shape = problem.inputs.at(0).shape;
  return shape[0] > INT32_MAX || shape[1] > INT32_MAX ? "more than 2^31 rows or classes" : "";
}

}  // namespace
}  // namespace cuda

void register_softmax_cross_entropy_cuda(CandidateRegistry& registry) {
  registry.add(SimpleCandidate{
      .op = "softmax_cross_entropy",
      .backend = "cuda",
      .id = "cuda.simt",
      .prepare = [](const Problem&) { return SimpleCandidate::Launch(cuda::launch_loss); },
      .workspace = cuda::loss_workspace,
      .refuse = cuda::refuse_huge});
  registry.add(SimpleCandidate{
      .op = "softmax_cross_entropy_gradient",
      .backend = "cuda",
      .id = "cuda.simt",
      .prepare = [](const Problem&) { return SimpleCandidate::Launch(cuda::launch_gradient); },
      .refuse = cuda::refuse_huge});
}

}  // namespace engine
