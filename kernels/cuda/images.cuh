// Where the elements of images [N, C, S...] lie in either layout, and what all hand-written
// convolutions do alike on the host.
#pragma once

#include <string>

#include "kernels/convolution.h"
#include "kernels/cuda/common.cuh"

namespace engine::cuda {

/// Distances between neighbours, in elements.
struct ImageStrides {
  std::int64_t sample, channel, spatial[3];

  static ImageStrides of(Layout layout, std::int64_t channels, const Extents3& extents) {
    const std::int64_t column = layout == Layout::row_major ? 1 : channels;
    const std::int64_t row = extents[2] * column, plane = extents[1] * row;
    return {channels * extents[0] * extents[1] * extents[2],
            layout == Layout::row_major ? extents[0] * extents[1] * extents[2] : 1,
            {plane, row, column}};
  }
};

/// The operands of the epilogue of a convolution, from a launch.
struct EpilogueOperands {
  const float* bias = nullptr;
  bool relu = false;
  const std::int64_t* step = nullptr;  ///< with drop-out

  static EpilogueOperands of(const DenseAttributes& attributes, const LaunchArguments& launch) {
    return {launch.inputs[2].as<float>(), attributes.activation == Activation::relu,
            attributes.dropout.rate > 0 ? launch.inputs[3].as<std::int64_t>() : nullptr};
  }
};

/// Why indices of a problem would not fit 32 bits, or a grid its limits, or "". Offsets of elements
/// have 64 bits.
std::string refuse_huge_convolution(const ConvolutionGeometry& geometry);

}  // namespace engine::cuda
