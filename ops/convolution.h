// Convolution with a fused epilogue; operands and formulas in kernels/convolution.h.
#pragma once

#include <memory>

#include "graph/op.h"
#include "kernels/convolution.h"

namespace engine::ops {

/// Throws UsageError for strides, dilations or groups below 1, padding below 0.
std::shared_ptr<const graph::Op> convolution(const ConvolutionAttributes& attributes);
/// `input` and `filter` are spatial extents.
std::shared_ptr<const graph::Op> convolution_input_gradient(const WindowAttributes& window,
                                                            std::int64_t groups,
                                                            const Extents3& input);
std::shared_ptr<const graph::Op> convolution_weight_gradient(const WindowAttributes& window,
                                                             std::int64_t groups,
                                                             const Extents3& filter);

/// Padding before and after that makes a window at `stride` give ceil(extent / stride) positions;
/// the odd one out goes after, as in TensorFlow.
void pad_to_same(WindowAttributes& window, const Extents3& extents, const Extents3& filter);

/// Throws UsageError for a window whose stride or dilation is below 1 or padding below 0.
void check_window(const WindowAttributes& window);

/// A shape of `rank` spatial dimensions, the last ones of `spatial`.
Shape image_shape(std::int64_t outer, std::int64_t channels, const Extents3& spatial, int rank);

}  // namespace engine::ops
