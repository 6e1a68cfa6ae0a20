// Layer normalization: a warp or a block a row. The gradients of gamma and beta are sums down the
// columns: a block sums 32 columns over some of the rows, and a second kernel adds its like up.
#include "kernels/layer_norm.h"

#include <algorithm>

#include "engine/tune/registry.h"
#include "kernels/cuda/normalization.cuh"
#include "kernels/cuda/rows.cuh"

namespace engine {
namespace cuda {
namespace {

// A thread reads and writes the same elements, and all sums over a row are complete before the
// first write to it: y may be x, and dx may be dy or x.
template <int kWarps>
__global__ void layer_norm_kernel(const float* x, const float* gamma, const float* beta, float* y,
                                  float* means, float* inverses, float epsilon, std::int64_t rows,
                                  int length) {
  ENGINE_SHARED(float, shared, [kRowWarps]);
  const RowTeam<kWarps> team;
  if (team.row >= rows) return;
  x += team.row * length;
  y += team.row * length;
  const auto count = static_cast<float>(length);
  float sum = 0;
  for (int j = team.thread; j < length; j += team.kThreads) sum += x[j];
  const float estimate = group_sum<kWarps>(sum, shared) / count;
  Deviations deviations{estimate, 0, 0};
  for (int j = team.thread; j < length; j += team.kThreads) {
    const float deviation = x[j] - estimate;
    deviations.sum += deviation;
    deviations.squares += deviation * deviation;
  }
  deviations.sum = group_sum<kWarps>(deviations.sum, shared);
  deviations.squares = group_sum<kWarps>(deviations.squares, shared);
  const Moments moments = deviations.moments(count);
  const float inverse = inverse_deviation(moments.variance, epsilon);
  if (team.thread == 0) {
    means[team.row] = moments.mean;
    inverses[team.row] = inverse;
  }
  for (int j = team.thread; j < length; j += team.kThreads)
    y[j] = (x[j] - moments.mean) * inverse * gamma[j] + beta[j];
}

template <int kWarps>
__global__ void input_gradient_kernel(const float* dy, const float* x, const float* gamma,
                                      const float* means, const float* inverses, float* dx,
                                      std::int64_t rows, int length) {
  ENGINE_SHARED(float, shared, [kRowWarps]);
  const RowTeam<kWarps> team;
  if (team.row >= rows) return;
  dy += team.row * length;
  x += team.row * length;
  dx += team.row * length;
  const float mean = means[team.row], inverse = inverses[team.row];
  float g_sum = 0, gx_sum = 0;
  for (int j = team.thread; j < length; j += team.kThreads) {
    const float g = dy[j] * gamma[j];
    g_sum += g;
    gx_sum += g * ((x[j] - mean) * inverse);
  }
  const auto count = static_cast<float>(length);
  const float g_mean = group_sum<kWarps>(g_sum, shared) / count;
  const float gx_mean = group_sum<kWarps>(gx_sum, shared) / count;
  for (int j = team.thread; j < length; j += team.kThreads)
    dx[j] = inverse * (dy[j] * gamma[j] - g_mean - (x[j] - mean) * inverse * gx_mean);
}

constexpr int kSumWarps = 8;
constexpr std::int64_t kPartRows = 64;  // fewest worth a block
constexpr std::int64_t kMostParts = 64;

int part_count(std::int64_t rows) {
  return static_cast<int>(std::clamp<std::int64_t>(rows / kPartRows, 1, kMostParts));
}

// A block: 32 columns of every (8 · parts)-th row. Its sums are those of all rows where it is
// alone, else they go to partial[part][0 and 1][column].
__global__ void parameter_gradient_kernel(const float* dy, const float* x, const float* means,
                                          const float* inverses, float* dgamma, float* dbeta,
                                          float* partial, std::int64_t rows, int length) {
  ENGINE_SHARED(float, shared, [2][kSumWarps][kWarp]);
  const int lane = static_cast<int>(threadIdx.x) % kWarp,
            warp = static_cast<int>(threadIdx.x) / kWarp;
  const int column = static_cast<int>(blockIdx.x) * kWarp + lane;
  float gamma_sum = 0, beta_sum = 0;
  if (column < length)
    for (std::int64_t row = blockIdx.y * std::int64_t{kSumWarps} + warp; row < rows;
         row += gridDim.y * std::int64_t{kSumWarps}) {
      const float gradient = dy[row * length + column];
      gamma_sum += gradient * ((x[row * length + column] - means[row]) * inverses[row]);
      beta_sum += gradient;
    }
  shared[0][warp][lane] = gamma_sum;
  shared[1][warp][lane] = beta_sum;
  __syncthreads();
  if (warp > 1 || column >= length) return;  // two warps are left, one for each sum
  float sum = 0;
  for (int other = 0; other < kSumWarps; ++other) sum += shared[warp][other][lane];
  if (gridDim.y > 1) {
    partial[(blockIdx.y * std::int64_t{2} + warp) * length + column] = sum;
  } else {
    (warp == 0 ? dgamma : dbeta)[column] = sum;
  }
}

void launch_forward(const LaunchArguments& launch, float epsilon) {
  const Rows rows = Rows::of(launch.inputs[0].type);
  rows.run("layer_norm", layer_norm_kernel<1>, layer_norm_kernel<kRowWarps>,
           native_stream(launch.stream), launch.inputs[0].as<float>(), launch.inputs[1].as<float>(),
           launch.inputs[2].as<float>(), launch.outputs[0].as<float>(),
           launch.outputs[1].as<float>(), launch.outputs[2].as<float>(), epsilon, rows.count,
           rows.length);
}

void launch_input_gradient(const LaunchArguments& launch) {
  const Rows rows = Rows::of(launch.inputs[0].type);
  rows.run("layer_norm_input_gradient", input_gradient_kernel<1>, input_gradient_kernel<kRowWarps>,
           native_stream(launch.stream), launch.inputs[0].as<float>(), launch.inputs[1].as<float>(),
           launch.inputs[2].as<float>(), launch.inputs[3].as<float>(), launch.inputs[4].as<float>(),
           launch.outputs[0].as<float>(), rows.count, rows.length);
}

void launch_parameter_gradient(const LaunchArguments& launch) {
  constexpr const char* kName = "layer_norm_parameter_gradient";
  const Rows rows = Rows::of(launch.inputs[0].type);
  const int parts = part_count(rows.count);
  auto* dgamma = launch.outputs[0].as<float>();
  auto* dbeta = launch.outputs[1].as<float>();
  const dim3 grid(static_cast<unsigned>(ceil_div(rows.length, kWarp)),
                  static_cast<unsigned>(parts));
  run(kName, parameter_gradient_kernel, grid, kSumWarps * kWarp, native_stream(launch.stream),
      launch.inputs[0].as<float>(), launch.inputs[1].as<float>(), launch.inputs[2].as<float>(),
      launch.inputs[3].as<float>(), dgamma, dbeta, static_cast<float*>(launch.workspace),
      rows.count, rows.length);
  if (parts > 1) run_add_parts(kName, launch, dgamma, dbeta, parts, rows.length);
}

SimpleCandidate::Launch prepare_forward(const Problem& problem) {
  const auto epsilon =
      static_cast<float>(NormalizationAttributes::from(problem.attributes).epsilon);
  return [epsilon](const LaunchArguments& launch) { launch_forward(launch, epsilon); };
}

std::size_t parameter_gradient_workspace(const Problem& problem) {
  const Rows rows = Rows::of(problem.inputs.at(0));
  return parts_workspace(part_count(rows.count), 2, rows.length);
}

}  // namespace
}  // namespace cuda

void register_layer_norm_cuda(CandidateRegistry& registry) {
  registry.add(SimpleCandidate{.op = "layer_norm",
                               .backend = "cuda",
                               .id = "cuda.simt",
                               .prepare = cuda::prepare_forward,
                               .refuse = cuda::refuse_huge_rows});
  registry.add(SimpleCandidate{
      .op = "layer_norm_input_gradient",
      .backend = "cuda",
      .id = "cuda.simt",
      .prepare =
          [](const Problem&) { return SimpleCandidate::Launch(cuda::launch_input_gradient); },
      .refuse = cuda::refuse_huge_rows});
  registry.add(SimpleCandidate{
      .op = "layer_norm_parameter_gradient",
      .backend = "cuda",
      .id = "cuda.simt",
      .prepare =
          [](const Problem&) { return SimpleCandidate::Launch(cuda::launch_parameter_gradient); },
      .workspace = cuda::parameter_gradient_workspace,
      .refuse = cuda::refuse_huge_rows});
}

}  // namespace engine
