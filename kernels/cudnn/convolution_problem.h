// A convolution, or one of its gradients, in cuDNN's terms.
#pragma once

#include <string>
#include <vector>

#include "engine/device/cuda/cudnn_library.h"
#include "kernels/convolution.h"

namespace engine::cuda {

enum class Direction { forward, input_gradient, weight_gradient };

/// Dimensions in the order N (or K), C, spatial ones, of which there are two or three: a problem in
/// one dimension gets a second of extent 1. Strides are in elements.
struct CudnnTensor {
  cudnnDataType_t type;
  std::vector<std::int64_t> dims, strides;
};

struct ConvolutionProblem {
  Direction direction;
  ConvolutionGeometry geometry;
  Math math;            ///< of f32 operands
  bool bf16;            ///< whether products are of bf16
  CudnnTensor x, w, y;  ///< w or y may be f32 where the others are bf16; of gradients, too
  std::vector<std::int64_t> stride, dilation, padding;

  static ConvolutionProblem of(const Problem& problem);

  /// Whether cuDNN computes nothing here: the result is what the epilogue makes of zeros.
  bool is_empty() const { return geometry.empty(); }
  bool channels_last() const { return geometry.layout == Layout::channels_last; }
};

/// Why no API of the library solves `problem`, or "".
std::string refuse_convolution(const Problem& problem);

/// c of the bound for whatever algorithm the library runs.
double cudnn_convolution_error_factor(const Problem& problem);

}  // namespace engine::cuda
