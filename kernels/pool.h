// Pooling over windows in one to three dimensions: N observations, C channels, spatial extents S of
// the input and P of the output, which a window meets as a filter does (kernels/convolution.h).
//
//   max_pool               x[N,C,S...] (, step i64[] with drop-out) ->
//                          y[N,C,P...] = dropout(relu(the largest element)), index u8[N,C,P...]:
//                          its place in the window, row-major
//   max_pool_gradient      dy, index -> dx[N,C,S...] = the sums of scale * dy that each element
//   gets average_pool           x -> y[N,C,P...] = mean of the elements of x in the window
//   average_pool_gradient  dy -> dx[N,C,S...] = the sums of dy / elements of x in the window
//
// Padding is minus infinity to max_pool and does not exist for average_pool; of a window that meets
// nothing else they make minus infinity and 0. Of equal elements the first counts, and the first
// NaN before all others. index is 255 where no gradient flows: where the ReLU or the drop-out gave
// 0, after a ReLU also at NaN, and where there is only padding. Attributes: "window", its extents,
// and those of WindowAttributes; "activation", "rate" and "key" of max_pool; "input", the extents
// S, of the gradients; "scale" (real) of max_pool_gradient. All images are f32 or bf16 and of one
// layout. Sums are f32.
#pragma once

#include <vector>

#include "kernels/convolution.h"

namespace engine {

/// Of max_pool's index: no element.
inline constexpr int kNoIndex = 255;

struct PoolAttributes {
  WindowAttributes window;
  Extents3 extents{1, 1, 1};
  DenseAttributes epilogue;  ///< of max_pool; its output type is unused

  static PoolAttributes from(const Attributes& attributes);
  /// Those of the window alone.
  Attributes to_attributes() const;
};

/// What the types and attributes of any of the four problems say.
struct PoolGeometry {
  std::int64_t batch, channels;
  Extents3 input, output, extents;
  WindowAttributes window;
  Layout layout;

  static PoolGeometry of(const Problem& problem);
  std::int64_t input_positions() const { return input[0] * input[1] * input[2]; }
  std::int64_t output_positions() const { return output[0] * output[1] * output[2]; }
  /// How many elements of x the windows meet along a dimension, by output coordinate.
  std::vector<float> counts(std::size_t dimension) const;
};

}  // namespace engine
