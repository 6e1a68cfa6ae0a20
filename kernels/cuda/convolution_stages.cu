// What surrounds a library's convolution: filters moved between our order and the library's, bias
// with ReLU and drop-out behind the product in one pass over y, the sums that are db, and operands
// whose channels are padded.
#include "kernels/batch_norm.h"
#include "kernels/cuda/channels.cuh"
#include "kernels/cuda/dropout.cuh"
#include "kernels/cuda/launchers.h"
#include "kernels/padded_channels.h"

namespace engine::cuda {
namespace {

struct Epilogue {
  const float* bias;
  bool relu;
  DropoutMask dropout;
  std::int64_t count, channels, positions;
  bool channels_last;
};

// An element's number, which drop-out draws by, counts in row-major order whatever the layout.
template <class T>
__global__ void epilogue_kernel(Epilogue e, T* y) {
  const std::int64_t at = global_thread();
  if (at >= e.count) return;
  std::int64_t channel, element = at;
  if (e.channels_last) {
    channel = at % e.channels;
    const std::int64_t pixel = at / e.channels;
    const std::int64_t image = pixel / e.positions;
    element = (image * e.channels + channel) * e.positions + (pixel - image * e.positions);
  } else {
    channel = at / e.positions % e.channels;
  }
  float value = static_cast<float>(y[at]) + e.bias[channel];
  if (e.relu && value <= 0.0f) value = 0.0f;  // NaN stays
  y[at] = T(e.dropout.apply(value, static_cast<std::uint64_t>(element)));
}

template <bool kColumns, class T>
__global__ void channel_sums_kernel(Channels channels, const T* x, float* sums) {
  ENGINE_SHARED(float, shared, [kChannelThreads]);
  const ChannelTeam<kColumns> team(channels, shared);
  float sum = 0;
  each_element(channels, team, [&](std::int64_t at) { sum += static_cast<float>(x[at]); });
  sum = team.sum(sum);
  if (team.leads()) sums[team.channel] = sum;
}

// Between [outer, rows, columns] and [outer, columns, rows], an element of the result a thread.
template <class From, class To>
__global__ void swap_kernel(const From* from, To* to, std::int64_t count, std::int64_t rows,
                            std::int64_t columns) {
  const std::int64_t at = global_thread();
  if (at >= count) return;
  const std::int64_t row = at % rows, rest = at / rows;
  to[at] = To(from[(rest / columns * rows + row) * columns + rest % columns]);
}

// An element of the result a thread.
template <class T>
__global__ void resize_channels_kernel(ChannelLines given, ChannelLines wanted, const T* from,
                                       T* to) {
  const std::int64_t count = wanted.count * wanted.length;
  for (std::int64_t at = global_thread(); at < count; at += global_thread_count()) {
    const std::int64_t line = at / wanted.length, place = at - line * wanted.length;
    const bool common = line < given.count && place < given.length;
    to[at] = common ? from[line * given.length + place] : T{};
  }
}

template <class T>
void run_channel_sums(Stream& stream, const TensorView& x, float* sums) {
  const std::int64_t channels = x.type.shape[1], positions = x.type.shape.elements_after(1);
  const bool last = x.type.layout == Layout::channels_last;
  Channels c = Channels::of({last ? Shape{x.type.shape[0] * positions, channels, 1}
                                  : Shape{x.type.shape[0], channels, positions},
                             DType::f32});
  c.parts = 1;
  run_channels("channel_sums", c, channel_sums_kernel<true, T>, channel_sums_kernel<false, T>,
               stream, x.as<T>(), sums);
}

template <class From, class To>
void run_swap(Stream& stream, const From* from, To* to, const SwappedAxes& axes) {
  const std::int64_t count = axes.outer * axes.rows * axes.columns;
  run("swap_axes", swap_kernel<From, To>,
      dim3(static_cast<unsigned>(ceil_div<std::int64_t>(count, kBlockThreads))), kBlockThreads,
      native_stream(stream), from, to, count, axes.rows, axes.columns);
}

}  // namespace

void launch_convolution_epilogue(Stream& stream, const TensorView& y, const float* bias,
                                 const DenseAttributes& attributes, const std::int64_t* step) {
  Epilogue epilogue{bias,
                    attributes.activation == Activation::relu,
                    {},
                    y.type.element_count(),
                    y.type.shape[1],
                    y.type.shape.elements_after(1),
                    y.type.layout == Layout::channels_last};
  if (attributes.dropout.rate > 0) epilogue.dropout = DropoutMask::of(attributes.dropout, step);
  const dim3 grid(static_cast<unsigned>(ceil_div<std::int64_t>(epilogue.count, kBlockThreads)));
  const auto launch_as = [&](auto* elements, auto* kernel) {
    run("convolution_epilogue", kernel, grid, kBlockThreads, native_stream(stream), epilogue,
        elements);
  };
  if (y.type.dtype == DType::bf16)
    launch_as(y.as<bfloat16>(), epilogue_kernel<bfloat16>);
  else
    launch_as(y.as<float>(), epilogue_kernel<float>);
}

void launch_channel_sums(Stream& stream, const TensorView& x, float* sums) {
  x.type.dtype == DType::bf16 ? run_channel_sums<bfloat16>(stream, x, sums)
                              : run_channel_sums<float>(stream, x, sums);
}

void launch_resize_channels(Stream& stream, const TensorView& from, const TensorView& to) {
  const auto resize_as = [&](auto zero) {  // a number that is only moved
    using T = decltype(zero);
    run("resize_channels", resize_channels_kernel<T>,
        blocks_for(to.type.element_count(), kBlockThreads), kBlockThreads, native_stream(stream),
        ChannelLines::of(from.type), ChannelLines::of(to.type), static_cast<const T*>(from.data),
        static_cast<T*>(to.data));
  };
  dtype_size(to.type.dtype) == 2 ? resize_as(std::uint16_t{}) : resize_as(std::uint32_t{});
}

void launch_swap(Stream& stream, const float* from, float* to, const SwappedAxes& axes) {
  run_swap(stream, from, to, axes);
}

void launch_swap(Stream& stream, const float* from, bfloat16* to, const SwappedAxes& axes) {
  run_swap(stream, from, to, axes);
}

}  // namespace engine::cuda
