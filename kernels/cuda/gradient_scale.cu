// Two launches: blocks leave the sums of their chunks in the workspace, then one block adds them up
// and decides. Without clipping a chunk's sum is 0, or NaN where a number is not finite.
#include "kernels/gradient_scale.h"

#include "engine/tune/registry.h"
#include "kernels/cuda/multi_tensor.cuh"

namespace engine {
namespace cuda {
namespace {

constexpr int kWarps = kTableThreads / kWarp;
constexpr int kQuads = 4;  // 16-byte loads a thread
constexpr std::int64_t kChunk = std::int64_t{4} * kQuads * kTableThreads;
constexpr int kMostGuards = 4;

struct GradientTensor {
  const float* data;
  std::int64_t size;
  std::int64_t first_block;
  bool vector;  ///< allows 16-byte accesses
};

struct Guards {
  const float* at[kMostGuards];
  int count;
};

template <bool kClip>
__device__ double contribution(float x) {
  if constexpr (kClip) return static_cast<double>(x) * static_cast<double>(x);
  return (__float_as_uint(x) & 0x7fffffffu) < 0x7f800000u ? 0.0 : static_cast<double>(NAN);
}

/// Thread 0 gets the block's sum, in a fixed order.
__device__ double block_sum(double value, double* partial) {
  for (int offset = kWarp / 2; offset > 0; offset /= 2)
    value += __shfl_xor_sync(kAllLanes, value, offset);
  if (threadIdx.x % kWarp == 0) partial[threadIdx.x / kWarp] = value;
  __syncthreads();
  if (threadIdx.x != 0) return 0;
  for (int warp = 1; warp < kWarps; ++warp) value += partial[warp];
  return value;
}

template <bool kClip>
__global__ void sums_kernel(const Table<GradientTensor> table, double* sums) {
  ENGINE_SHARED(double, partial, [kWarps]);
  const GradientTensor& t = table.of_block(blockIdx.x);
  const std::int64_t first = (blockIdx.x - t.first_block) * kChunk;
  double sum = 0;
  for (int k = 0; k < kQuads; ++k) {
    const std::int64_t i = first + 4 * (std::int64_t{k} * kTableThreads + threadIdx.x);
    if (t.vector && i + 4 <= t.size) {
      const float4 v = *reinterpret_cast<const float4*>(t.data + i);
      sum += contribution<kClip>(v.x) + contribution<kClip>(v.y) +
             (contribution<kClip>(v.z) + contribution<kClip>(v.w));
    } else {
      for (std::int64_t e = i; e < t.size && e < i + 4; ++e) sum += contribution<kClip>(t.data[e]);
    }
  }
  sum = block_sum(sum, partial);
  if (threadIdx.x == 0) sums[blockIdx.x] = sum;
}

__global__ void decide_kernel(GradientScaleAttributes attributes, const double* sums,
                              std::int64_t count, Guards guards, const std::int64_t* step,
                              float* scale) {
  ENGINE_SHARED(double, partial, [kWarps]);
  double sum = 0;
  for (std::int64_t i = threadIdx.x; i < count; i += kTableThreads) sum += sums[i];
  sum = block_sum(sum, partial);
  if (threadIdx.x != 0) return;
  bool finite = sum - sum == 0;
  for (int i = 0; i < kMostGuards; ++i)
    if (i < guards.count) finite = finite && is_finite(*guards.at[i]);
  *scale = scale_of_gradients(attributes, *step, finite, sum);
}

std::int64_t blocks_of(const Problem& problem) {
  const auto attributes = GradientScaleAttributes::from(problem.attributes);
  std::int64_t blocks = 0;
  for (std::size_t k = 0; k < attributes.count; ++k)
    blocks += ceil_div(problem.inputs[attributes.gradient(k)].element_count(), kChunk);
  return blocks;
}

std::vector<GradientTensor> bind(const LaunchArguments& launch, const GradientScaleAttributes& at) {
  std::vector<GradientTensor> gradients;
  for (std::size_t k = 0; k < at.count; ++k) {
    const TensorView& view = launch.inputs[at.gradient(k)];
    const auto* data = view.as<float>();
    gradients.push_back({data, view.type.element_count(), 0, is_aligned_for_4(data)});
  }
  return gradients;
}

SimpleCandidate::Launch prepare_gradient_scale(const Problem& problem) {
  return [attributes = GradientScaleAttributes::from(problem.attributes),
          blocks = blocks_of(problem)](const LaunchArguments& launch) {
    const cudaStream_t stream = native_stream(launch.stream);
    auto* sums = static_cast<double*>(launch.workspace);
    const auto kernel = attributes.clip_norm > 0 ? sums_kernel<true> : sums_kernel<false>;
    for_each_table(bind(launch, attributes), kChunk, [&](const auto& table, std::int64_t grid) {
      run("gradient_scale", kernel, dim3(static_cast<unsigned>(grid)), kTableThreads, stream, table,
          sums);
      sums += grid;
    });
    Guards guards{{}, static_cast<int>(attributes.guards)};
    for (std::size_t i = 0; i < attributes.guards; ++i)
      guards.at[i] = launch.inputs[attributes.guard(i)].as<float>();
    run("gradient_scale", decide_kernel, dim3(1), kTableThreads, stream, attributes,
        static_cast<const double*>(launch.workspace), blocks, guards,
        launch.inputs[0].as<std::int64_t>(), launch.outputs[0].as<float>());
  };
}

std::string refuse(const Problem& problem) {
  return GradientScaleAttributes::from(problem.attributes).guards > kMostGuards
             ? "more than four guards"
             : "";
}

}  // namespace
}  // namespace cuda

void register_gradient_scale_cuda(CandidateRegistry& registry) {
  registry.add(SimpleCandidate{.op = "gradient_scale",
                               .backend = "cuda",
                               .id = "cuda.multi_tensor",
                               .prepare = cuda::prepare_gradient_scale,
                               .workspace =
                                   [](const Problem& problem) {
                                     return static_cast<std::size_t>(cuda::blocks_of(problem)) *
                                            sizeof(double);
                                   },
                               .refuse = cuda::refuse});
}

}  // namespace engine
