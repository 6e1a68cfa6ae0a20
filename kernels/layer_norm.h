// Layer normalization (Ba, Kiros, Hinton, 2016) over the last axis of f32[..., D], D > 0; "rows" is
// the product of the other extents, and x̂ = (x - mean) * inverse_deviation.
//
//   layer_norm                     x, gamma f32[D], beta f32[D] -> y = x̂ * gamma + beta,
//                                  mean f32[rows], inverse_deviation f32[rows] =
//                                  1 / sqrt(variance + epsilon). y may be x.
//   layer_norm_input_gradient      dy, x, gamma, mean, inverse_deviation -> dx. dx may be dy or x.
//                                  With g = dy * gamma and means over a row:
//                                  dx = inverse_deviation * (g - mean(g) - x̂ * mean(g x̂))
//   layer_norm_parameter_gradient  dy, x, mean, inverse_deviation -> dgamma f32[D] = sum over the
//                                  rows of dy * x̂, dbeta f32[D] = sum of dy; 0 without rows
//
// The variance is that of the row itself (divided by D), from deviations and not from squares of x,
// so that a mean far above the deviation costs it no accuracy; x - mean is taken from the mean as
// rounded to f32. A NaN or infinity makes its row NaN, mean and inverse_deviation included.
#pragma once

#include "kernels/normalization.h"

namespace engine {

/// The rows that a tensor has, and the length of each.
struct LayerNormExtents {
  std::int64_t rows, length;
  static LayerNormExtents of(const TensorType& x) {
    const std::int64_t length = x.shape[-1];
    return {length == 0 ? 0 : x.element_count() / length, length};
  }
};

}  // namespace engine
