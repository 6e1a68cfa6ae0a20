// Softmax and cross-entropy in one, from logits. A row belongs to one warp, or to a whole block
// where it is long. The mean over rows is taken by one block in a fixed order: in the same launch
// where the batch is small enough for it, else from row losses kept in the workspace.
#include "kernels/softmax_cross_entropy.h"

#include "engine/tune/registry.h"
#include "kernels/cuda/rows.cuh"
#include "kernels/cuda/softmax_row.cuh"
#include "kernels/cuda/sum.cuh"

namespace engine {
namespace cuda {
namespace {

constexpr std::int64_t kFewElements = 16384;  // logits that one block takes on its own
constexpr int kOneBlockWarps = 32;

__device__ float row_loss(SoftmaxStatistics statistics, const float* row, int classes, int label) {
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
    sum += row_loss(softmax_statistics<1>(z, classes, thread % kWarp, nullptr), z, classes,
                    labels[row]);
  }
  if (thread % kWarp == 0) sums[thread / kWarp] = sum;
  __syncthreads();
  if (thread != 0) return;
  for (int warp = 1; warp < kOneBlockWarps; ++warp) sum += sums[warp];
  *loss = rows == 0 ? 0.0f : sum / static_cast<float>(rows);
}

template <int kWarps>
__global__ void row_losses_kernel(const float* logits, const std::int32_t* labels, float* losses,
                                  std::int64_t rows, int classes) {
  ENGINE_SHARED(float, shared, [kRowWarps]);
  const RowTeam<kWarps> team;
  if (team.row >= rows) return;
  const float* z = logits + team.row * classes;
  const auto statistics = softmax_statistics<kWarps>(z, classes, team.thread, shared);
  if (team.thread == 0) losses[team.row] = row_loss(statistics, z, classes, labels[team.row]);
}

// A thread reads and writes the same elements, and all reads for the statistics of a row come
// before the first write to it: dlogits may be logits.
template <int kWarps>
__global__ void gradient_kernel(const float* logits, const std::int32_t* labels, const float* dloss,
                                float* dlogits, std::int64_t rows, int classes) {
  ENGINE_SHARED(float, shared, [kRowWarps]);
  const RowTeam<kWarps> team;
  if (team.row >= rows) return;
  const float* z = logits + team.row * classes;
  float* dz = dlogits + team.row * classes;
  const auto statistics = softmax_statistics<kWarps>(z, classes, team.thread, shared);
  const int label = labels[team.row];
  const float scale = label < 0 || label >= classes ? NAN : *dloss / static_cast<float>(rows);
  for (int j = team.thread; j < classes; j += team.kThreads) {
    const float probability = expf(z[j] - statistics.maximum) / statistics.sum;
    dz[j] = (probability - (j == label ? 1.0f : 0.0f)) * scale;
  }
}

bool fits_one_block(const Rows& rows) {
  return rows.count * rows.length <= kFewElements;
}

void launch_softmax_cross_entropy(const LaunchArguments& launch) {
  const Rows rows = Rows::of(launch.inputs[0].type);
  const cudaStream_t stream = native_stream(launch.stream);
  const float* logits = launch.inputs[0].as<float>();
  const auto* labels = launch.inputs[1].as<std::int32_t>();
  auto* loss = launch.outputs[0].as<float>();
  if (fits_one_block(rows)) {
    run("softmax_cross_entropy", loss_in_one_block_kernel, dim3(1), kOneBlockWarps * kWarp, stream,
        logits, labels, loss, static_cast<int>(rows.count), rows.length);
    return;
  }
  auto* losses = static_cast<float*>(launch.workspace);
  rows.run("softmax_cross_entropy", row_losses_kernel<1>, row_losses_kernel<kRowWarps>, stream,
           logits, labels, losses, rows.count, rows.length);
  run_sum("softmax_cross_entropy", launch.stream, losses + rows.count, Identity{},
          MeanOf{rows.count}, rows.count, loss, static_cast<const float*>(losses));
}

void launch_softmax_cross_entropy_gradient(const LaunchArguments& launch) {
  const Rows rows = Rows::of(launch.inputs[0].type);
  rows.run("softmax_cross_entropy_gradient", gradient_kernel<1>, gradient_kernel<kRowWarps>,
           native_stream(launch.stream), launch.inputs[0].as<float>(),
           launch.inputs[1].as<std::int32_t>(), launch.inputs[2].as<float>(),
           launch.outputs[0].as<float>(), rows.count, rows.length);
}

// The losses of the rows, and what their sum needs.
std::size_t loss_workspace(const Problem& problem) {
  const Rows rows = Rows::of(problem.inputs.at(0));
  if (fits_one_block(rows)) return 0;
  return static_cast<std::size_t>(rows.count) * sizeof(float) + sum_workspace<float>(rows.count);
}

}  // namespace
}  // namespace cuda

void register_softmax_cross_entropy_cuda(CandidateRegistry& registry) {
  registry.add(SimpleCandidate{.op = "softmax_cross_entropy",
                               .backend = "cuda",
                               .id = "cuda.simt",
                               .prepare =
                                   [](const Problem&) {
                                     return SimpleCandidate::Launch(
                                         cuda::launch_softmax_cross_entropy);
                                   },
                               .workspace = cuda::loss_workspace,
                               .refuse = cuda::refuse_huge_rows});
  registry.add(SimpleCandidate{.op = "softmax_cross_entropy_gradient",
                               .backend = "cuda",
                               .id = "cuda.simt",
                               .prepare =
                                   [](const Problem&) {
                                     return SimpleCandidate::Launch(
                                         cuda::launch_softmax_cross_entropy_gradient);
                                   },
                               .refuse = cuda::refuse_huge_rows});
}

}  // namespace engine
