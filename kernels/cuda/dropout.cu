// Drop-out on its own: one Philox call for four elements. The gradient is the same kernel on dy.
#include "kernels/cuda/dropout.cuh"

#include "engine/tune/registry.h"
#include "kernels/cuda/launchers.h"
#include "kernels/cuda/quad.cuh"

namespace engine {
namespace cuda {
namespace {

constexpr int kThreads = 256;

template <class T>
__global__ void dropout_kernel(DropoutMask mask, const T* x, T* y, std::int64_t count,
                               bool vector) {
  const std::int64_t first = global_thread() * 4;
  if (first >= count) return;
  if (vector && first + 4 <= count) {
    store_floats(y + first,
                 mask.apply(to_floats(load_quad(x + first)), static_cast<std::uint64_t>(first)));
    return;
  }
  const Random4 random = philox(mask.key, static_cast<std::uint64_t>(first / 4),
                                static_cast<std::uint64_t>(*mask.step));
  for (int i = 0; i < 4 && first + i < count; ++i)
    y[first + i] = T(mask.keep(static_cast<float>(x[first + i]), random.word[i]));
}

template <class T>
SimpleCandidate::Launch make_launch(const DropoutAttributes& attributes) {
  return [attributes](const LaunchArguments& launch) {
    const TensorView& y = launch.outputs[0];
    launch_dropout(launch.stream, attributes, launch.inputs[1].as<std::int64_t>(),
                   launch.inputs[0].as<T>(), y.as<T>(), y.type.element_count());
  };
}

SimpleCandidate::Launch prepare_dropout(const Problem& problem) {
  const auto attributes = DropoutAttributes::from(problem.attributes);
  return problem.outputs.at(0).dtype == DType::bf16 ? make_launch<bfloat16>(attributes)
                                                    : make_launch<float>(attributes);
}

template <class T>
void run_dropout(Stream& stream, const DropoutAttributes& attributes, const std::int64_t* step,
                 const T* x, T* y, std::int64_t count) {
  const dim3 grid(
      static_cast<unsigned>(ceil_div<std::int64_t>(ceil_div<std::int64_t>(count, 4), kThreads)));
  run("dropout", dropout_kernel<T>, grid, kThreads, native_stream(stream),
      DropoutMask::of(attributes, step), x, y, count, is_aligned_for_4(x) && is_aligned_for_4(y));
}

}  // namespace

void launch_dropout(Stream& stream, const DropoutAttributes& attributes, const std::int64_t* step,
                    const float* x, float* y, std::int64_t count) {
  run_dropout(stream, attributes, step, x, y, count);
}

void launch_dropout(Stream& stream, const DropoutAttributes& attributes, const std::int64_t* step,
                    const bfloat16* x, bfloat16* y, std::int64_t count) {
  run_dropout(stream, attributes, step, x, y, count);
}

}  // namespace cuda

void register_dropout_cuda(CandidateRegistry& registry) {
  registry.add(SimpleCandidate{
      .op = "dropout", .backend = "cuda", .id = "cuda.simt", .prepare = cuda::prepare_dropout});
}

}  // namespace engine
