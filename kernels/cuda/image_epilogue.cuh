// What a convolution's result goes through, an element at a time, before it is stored.
#pragma once

#include "kernels/cuda/dropout.cuh"
#include "kernels/cuda/images.cuh"
#include "kernels/cuda/quad.cuh"

namespace engine::cuda {

struct ImageEpilogue {
  const float* bias = nullptr;  ///< one a channel, or none
  bool bias_quads = false;      ///< it may be loaded four at a time
  bool relu = false;
  DropoutMask dropout;

  static ImageEpilogue of(const DenseAttributes& attributes, const LaunchArguments& launch) {
    const auto operands = EpilogueOperands::of(attributes, launch);
    ImageEpilogue epilogue{operands.bias, is_aligned_for_4(operands.bias), operands.relu, {}};
    if (operands.step != nullptr)
      epilogue.dropout = DropoutMask::of(attributes.dropout, operands.step);
    return epilogue;
  }

  __device__ float bias_of(int channel) const { return bias != nullptr ? bias[channel] : 0.0f; }
  /// Of the channels from `channel` on, a multiple of kWidth, as far as there are so many.
  template <int kWidth>
  __device__ void load_bias(int channel, int channels, float (&values)[kWidth]) const {
    if constexpr (kWidth == 4) {
      if (bias_quads && channel + 4 <= channels) {
        load_floats(bias + channel, values);
        return;
      }
    }
#pragma unroll
    for (int c = 0; c < kWidth; ++c) values[c] = channel + c < channels ? bias_of(channel + c) : 0;
  }
  /// `element`: its row-major number, whatever the layout.
  __device__ float apply(float value, float bias_value, std::int64_t element) const {
    value += bias_value;
    if (relu && value <= 0.0f) value = 0.0f;  // NaN stays
    return dropout.apply(value, static_cast<std::uint64_t>(element));
  }
};

}  // namespace engine::cuda
