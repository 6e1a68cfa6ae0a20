// Batch normalization (Ioffe and Szegedy, 2015) of x f32[N, C, spatial...], rank 2 to 8, in either
// layout, over all axes but C; M = N * spatial elements a channel; x̂ = (x - mean) / sqrt(variance +
// epsilon). gamma, beta, mean and variance are f32[C].
//
//   batch_norm                     x, gamma, beta -> y = x̂ * gamma + beta, mean, variance: those
//                                  of the batch, the variance divided by M (0 without elements).
//                                  y may be x.
//   batch_norm_gradient            dy, x, gamma, mean, variance -> dx, dgamma = sum of dy * x̂,
//                                  dbeta = sum of dy. dx may be dy or x. With means over a channel:
//                                  dx = gamma / sqrt(variance + epsilon)
//                                       * (dy - mean(dy) - x̂ * mean(dy x̂))
//   batch_norm_inference           x, gamma, beta, mean, variance -> y, with given statistics.
//                                  y may be x.
//   batch_norm_inference_gradient  dy, gamma, variance -> dx = dy * gamma / sqrt(variance +
//   epsilon)
//                                  dx may be dy.
//
// The variance is taken from deviations, not from squares of x; x - mean from the mean as rounded
// to f32. A NaN or infinity makes all of its channel NaN, mean and variance included.
#pragma once

#include "kernels/normalization.h"

namespace engine {

/// A tensor of channels: element (n, c, s) is stored at x[(n * channels + c) * spatial + s]. Of
/// channels-last images every position is an observation.
struct ChannelExtents {
  std::int64_t batch, channels, spatial;

  static ChannelExtents of(const TensorType& x) {
    const std::int64_t positions = x.shape.elements_after(1);
    if (x.layout == Layout::channels_last) return {x.shape[0] * positions, x.shape[1], 1};
    return {x.shape[0], x.shape[1], positions};
  }
  /// M: elements of one channel.
  std::int64_t count() const { return batch * spatial; }
};

}  // namespace engine
