// What a convolution's result goes through, an element at a time, before it is stored.
#pragma once

#include "kernels/cuda/dropout.cuh"
#include "kernels/cuda/images.cuh"

namespace engine::cuda {

struct ImageEpilogue {
  const float* bias = nullptr;  ///< one a channel, or none
  bool relu = false;
  DropoutMask dropout;

  static ImageEpilogue of(const DenseAttributes& attributes, const LaunchArguments& launch) {
    const auto operands = EpilogueOperands::of(attributes, launch);
    ImageEpilogue epilogue{operands.bias, operands.relu, {}};
    if (operands.step != nullptr)
      epilogue.dropout = DropoutMask::of(attributes.dropout, operands.step);
    return epilogue;
  }

  /// `element`: its row-major number, whatever the layout.
  __device__ float apply(float value, int channel, std::int64_t element) const {
    if (bias != nullptr) value += bias[channel];
    if (relu && value <= 0.0f) value = 0.0f;  // NaN stays
    return dropout.apply(value, static_cast<std::uint64_t>(element));
  }
};

}  // namespace engine::cuda
