// Embedding. Forward, neighbouring threads copy neighbouring elements of a row, four at a time
// where rows allow it. In the gradient a warp takes 32 columns of one row of the table and looks at
// all tokens for those of its row: no atomics, so a sum has one order.
#include "kernels/embedding.h"

#include "engine/tune/registry.h"
#include "kernels/cuda/quad.cuh"

namespace engine {
namespace cuda {
namespace {

/// A thread copies kWidth neighbours.
template <int kWidth, class Out>
__global__ void embedding_kernel(EmbeddingExtents n, const float* table, const std::int32_t* tokens,
                                 Out* y) {
  const std::int64_t units = n.width / kWidth;
  for (std::int64_t i = global_thread(); i < n.tokens * units; i += global_thread_count()) {
    const std::int64_t token = tokens[i / units];
    float v[kWidth] = {};
    if (token >= 0 && token < n.vocabulary)
      load_floats<kWidth>(table + (token * units + i % units) * kWidth, v);
    if constexpr (kWidth == 4)
      store_floats(y + i * 4, make_float4(v[0], v[1], v[2], v[3]));
    else
      y[i] = Out(v[0]);
  }
}

template <class Out>
void embed(const EmbeddingExtents& n, const LaunchArguments& launch) {
  const auto* table = launch.inputs[0].as<float>();
  const auto* tokens = launch.inputs[1].as<std::int32_t>();
  auto* y = launch.outputs[0].as<Out>();
  const bool quads = n.width % 4 == 0 && is_aligned_for_4(table) && is_aligned_for_4(y);
  run("embedding", quads ? embedding_kernel<4, Out> : embedding_kernel<1, Out>,
      blocks_for(n.tokens * n.width / (quads ? 4 : 1), kBlockThreads), kBlockThreads,
      native_stream(launch.stream), n, table, tokens, y);
}

constexpr int kRowLoads = 4;  // of rows that a warp waits for together

template <class In>
__global__ void embedding_gradient_kernel(EmbeddingExtents n, const In* dy,
                                          const std::int32_t* tokens, float* sums) {
  const int lane = threadIdx.x % kWarp;
  const std::int64_t parts = ceil_div<std::int64_t>(n.width, kWarp);
  const std::int64_t warps = global_thread_count() / kWarp;
  for (std::int64_t item = global_thread() / kWarp; item < n.vocabulary * parts; item += warps) {
    const std::int64_t row = item / parts, column = item % parts * kWarp + lane;
    const bool has_column = column < n.width;
    float sum = 0;
    for (std::int64_t first = 0; first < n.tokens; first += kWarp) {
      const bool found = first + lane < n.tokens && tokens[first + lane] == row;
      for (unsigned left = __ballot_sync(kAllLanes, found); left != 0;) {
        float terms[kRowLoads] = {};
        for (int k = 0; k < kRowLoads && left != 0; ++k, left &= left - 1)
          if (has_column)
            terms[k] = static_cast<float>(
                dy[(first + __ffs(static_cast<int>(left)) - 1) * n.width + column]);
        for (float term : terms) sum += term;
      }
    }
    if (has_column) sums[row * n.width + column] = sum;
  }
}

template <class In>
void sum_embedding_gradient(const EmbeddingExtents& n, const LaunchArguments& launch) {
  const std::int64_t warps = n.vocabulary * ceil_div<std::int64_t>(n.width, kWarp);
  run("embedding_gradient", embedding_gradient_kernel<In>, blocks_for(warps * kWarp, kBlockThreads),
      kBlockThreads, native_stream(launch.stream), n, launch.inputs[0].as<In>(),
      launch.inputs[1].as<std::int32_t>(), launch.outputs[0].as<float>());
}

using EmbeddingKernel = void (*)(const EmbeddingExtents&, const LaunchArguments&);

SimpleCandidate::Launch embedding_launch(const Problem& problem, DType rows, EmbeddingKernel f32,
                                         EmbeddingKernel bf16) {
  return [n = EmbeddingExtents::of(problem), kernel = rows == DType::bf16 ? bf16 : f32](
             const LaunchArguments& launch) { kernel(n, launch); };
}

}  // namespace
}  // namespace cuda

void register_embedding_cuda(CandidateRegistry& registry) {
  registry.add(SimpleCandidate{.op = "embedding",
                               .backend = "cuda",
                               .id = "cuda.simt",
                               .prepare = [](const Problem& problem) {
                                 return cuda::embedding_launch(problem, problem.outputs[0].dtype,
                                                               cuda::embed<float>,
                                                               cuda::embed<bfloat16>);
                               }});
  registry.add(SimpleCandidate{.op = "embedding_gradient",
                               .backend = "cuda",
                               .id = "cuda.simt",
                               .prepare =
                                   [](const Problem& problem) {
                                     return cuda::embedding_launch(
                                         problem, problem.inputs[0].dtype,
                                         cuda::sum_embedding_gradient<float>,
                                         cuda::sum_embedding_gradient<bfloat16>);
                                   },
                               .error_factor = kEmbeddingGradientError});
}

}  // namespace engine
