// Drop-out of whole images in either layout, and the limits of hand-written convolutions.
#include "kernels/cuda/images.cuh"

#include <algorithm>

#include "kernels/cuda/dropout.cuh"
#include "kernels/cuda/launchers.h"

namespace engine::cuda {
namespace {

// A thread takes an element of the storage; `positions` and `channels` are those of a sample.
template <class T>
__global__ void drop_channels_last_kernel(T* y, DropoutMask mask, std::int64_t count,
                                          std::int64_t positions, std::int64_t channels) {
  for (std::int64_t e = global_thread(); e < count; e += global_thread_count()) {
    const std::int64_t channel = e % channels, position = e / channels;
    const std::int64_t n = position / positions, p = position % positions;
    const std::int64_t number = (n * channels + channel) * positions + p;
    y[e] = T(mask.apply(static_cast<float>(y[e]), static_cast<std::uint64_t>(number)));
  }
}

template <class T>
void drop(Stream& stream, const DropoutAttributes& attributes, const std::int64_t* step,
          const TensorType& type, T* y) {
  const std::int64_t count = type.element_count();
  if (type.layout == Layout::row_major)
    return launch_dropout(stream, attributes, step, y, y, count);
  if (count == 0) return;
  constexpr int kThreads = 256;
  const std::int64_t channels = type.shape[1];
  run("convolution", drop_channels_last_kernel<T>, blocks_for(count, kThreads), kThreads,
      native_stream(stream), y, DropoutMask::of(attributes, step), count,
      count / type.shape[0] / channels, channels);
}

}  // namespace

std::string refuse_huge_convolution(const ConvolutionGeometry& g) {
  // Tiles may reach beyond the last index, coordinates beyond the padding.
  constexpr std::int64_t kMost = INT32_MAX - 1024, kFarthest = 1 << 28;
  const std::int64_t filter = g.filter_positions();
  const std::int64_t weights = std::max(g.group_inputs() + 4, g.group_outputs() + 4);
  if (std::max(g.batch * g.output_positions(), g.batch * g.input_positions()) > kMost)
    return "more positions than fit 32 bits";
  if (weights * weights > kMost / std::max<std::int64_t>(filter, 1))
    return "more weights of a group than fit 32 bits";
  if (g.groups > 65535) return "more than 65535 groups";
  for (std::size_t d = 0; d < 3; ++d)
    if (g.input[d] + g.window.padding_before[d] + g.window.padding_after[d] > kFarthest ||
        g.filter[d] * g.window.dilation[d] > kFarthest)
      return "an extent of more than 2^28 with its padding";
  return "";
}

void launch_image_dropout(Stream& stream, const DropoutAttributes& attributes,
                          const std::int64_t* step, const TensorView& y) {
  if (y.type.dtype == DType::bf16)
    drop(stream, attributes, step, y.type, y.as<bfloat16>());
  else
    drop(stream, attributes, step, y.type, y.as<float>());
}

}  // namespace engine::cuda
