// Drop-out on its own: one Philox call for four elements. The gradient is the same kernel on dy.
#include "kernels/cuda/dropout.cuh"

#include "engine/tune/registry.h"
#include "kernels/cuda/launchers.h"
#include "kernels/cuda/quad.cuh"
#include "kernels/layout.h"

namespace engine {
namespace cuda {
namespace {

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

// A thread takes one channel of four neighbouring positions: one Philox call where the row-major
// numbers of an observation's channels start at multiples of four.
template <class T>
__global__ void dropout_channels_last_kernel(DropoutMask mask, ImageExtents image, const T* x,
                                             T* y) {
  const std::int64_t quads = ceil_div<std::int64_t>(image.positions, 4);
  const std::int64_t count = image.batch * quads * image.channels;
  for (std::int64_t i = global_thread(); i < count; i += global_thread_count()) {
    const std::int64_t channel = i % image.channels, quad = i / image.channels;
    const std::int64_t n = quad / quads, p = quad % quads * 4;
    const std::int64_t at = (n * image.positions + p) * image.channels + channel;
    const auto element =
        static_cast<std::uint64_t>((n * image.channels + channel) * image.positions + p);
    if (image.positions % 4 == 0) {
      const auto load = [&](int k) { return static_cast<float>(x[at + k * image.channels]); };
      const float4 kept = mask.apply(make_float4(load(0), load(1), load(2), load(3)), element);
      y[at] = T(kept.x);
      y[at + image.channels] = T(kept.y);
      y[at + 2 * image.channels] = T(kept.z);
      y[at + 3 * image.channels] = T(kept.w);
    } else {
      for (int k = 0; k < 4 && p + k < image.positions; ++k) {
        const std::int64_t place = at + k * image.channels;
        y[place] = T(mask.apply(static_cast<float>(x[place]), element + static_cast<unsigned>(k)));
      }
    }
  }
}

template <class T>
void run_dropout(Stream& stream, const DropoutAttributes& attributes, const std::int64_t* step,
                 const T* x, T* y, std::int64_t count) {
  const dim3 grid(static_cast<unsigned>(
      ceil_div<std::int64_t>(ceil_div<std::int64_t>(count, 4), kBlockThreads)));
  run("dropout", dropout_kernel<T>, grid, kBlockThreads, native_stream(stream),
      DropoutMask::of(attributes, step), x, y, count, is_aligned_for_4(x) && is_aligned_for_4(y));
}

template <class T>
void run_dropout(Stream& stream, const DropoutAttributes& attributes, const std::int64_t* step,
                 const TensorView& x, const TensorView& y) {
  if (y.type.layout == Layout::row_major)
    return run_dropout(stream, attributes, step, x.as<T>(), y.as<T>(), y.type.element_count());
  const ImageExtents image = ImageExtents::of(y.type);
  if (image.count() == 0) return;
  const std::int64_t quads = ceil_div<std::int64_t>(image.positions, 4);
  run("dropout", dropout_channels_last_kernel<T>,
      blocks_for(image.batch * quads * image.channels, kBlockThreads), kBlockThreads,
      native_stream(stream), DropoutMask::of(attributes, step), image, x.as<T>(), y.as<T>());
}

SimpleCandidate::Launch prepare_dropout(const Problem& problem) {
  return [attributes = DropoutAttributes::from(problem.attributes)](const LaunchArguments& launch) {
    launch_dropout(launch.stream, attributes, launch.inputs[1].as<std::int64_t>(), launch.inputs[0],
                   launch.outputs[0]);
  };
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

void launch_dropout(Stream& stream, const DropoutAttributes& attributes, const std::int64_t* step,
                    const TensorView& x, const TensorView& y) {
  if (y.type.dtype == DType::bf16)
    run_dropout<bfloat16>(stream, attributes, step, x, y);
  else
    run_dropout<float>(stream, attributes, step, x, y);
}

}  // namespace cuda

void register_dropout_cuda(CandidateRegistry& registry) {
  registry.add(SimpleCandidate{
      .op = "dropout", .backend = "cuda", .id = "cuda.simt", .prepare = cuda::prepare_dropout});
}

}  // namespace engine
