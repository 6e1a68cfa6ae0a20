// Drop-out on its own: one Philox call for four elements. The gradient is the same kernel on dy.
#include "kernels/cuda/dropout.cuh"

#include "engine/tune/registry.h"
#include "kernels/cuda/common.cuh"
#include "kernels/cuda/launchers.h"

namespace engine {
namespace cuda {
namespace {

constexpr int kThreads = 256;

__global__ void dropout_kernel(DropoutMask mask, const float* x, float* y, std::int64_t count,
                               bool vector) {
  const std::int64_t first = global_thread() * 4;
  if (first >= count) return;
  if (vector && first + 4 <= count) {
    *reinterpret_cast<float4*>(y + first) =
        mask.apply(*reinterpret_cast<const float4*>(x + first), static_cast<std::uint64_t>(first));
    return;
  }
  const Random4 random = philox(mask.key, static_cast<std::uint64_t>(first / 4),
                                static_cast<std::uint64_t>(*mask.step));
  for (int i = 0; i < 4 && first + i < count; ++i)
    y[first + i] = mask.keep(x[first + i], random.word[i]);
}

SimpleCandidate::Launch prepare_dropout(const Problem& problem) {
  return [attributes = DropoutAttributes::from(problem.attributes)](const LaunchArguments& launch) {
    const TensorView& y = launch.outputs[0];
    launch_dropout(launch.stream, attributes, launch.inputs[1].as<std::int64_t>(),
                   launch.inputs[0].as<float>(), y.as<float>(), y.type.element_count());
  };
}

}  // namespace

void launch_dropout(Stream& stream, const DropoutAttributes& attributes, const std::int64_t* step,
                    const float* x, float* y, std::int64_t count) {
  const dim3 grid(
      static_cast<unsigned>(ceil_div<std::int64_t>(ceil_div<std::int64_t>(count, 4), kThreads)));
  run("dropout", dropout_kernel, grid, kThreads, native_stream(stream),
      DropoutMask::of(attributes, step), x, y, count, is_aligned_for_4(x) && is_aligned_for_4(y));
}

}  // namespace cuda

void register_dropout_cuda(CandidateRegistry& registry) {
  registry.add(SimpleCandidate{
      .op = "dropout", .backend = "cuda", .id = "cuda.simt", .prepare = cuda::prepare_dropout});
}

}  // namespace engine
