// What batch normalization on the CPU is made of, in either order of elements: passes over all of
// them, by which statistics or sums are taken, or a result is written. Sums are taken in double, in
// an order that the problem alone determines.
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/batch_norm.h"

namespace engine::cpu {

/// The operands of all four ops; an op leaves out what it has not.
struct BatchNormOperands {
  ChannelExtents n;
  float epsilon;
  const float *x, *dy, *gamma, *beta;
  float* out;  ///< y or dx; may be x or dy
  const float *mean, *variance;
  float *new_mean, *new_variance, *dgamma, *dbeta;
  void* workspace;

  float inverse(std::int64_t channel) const {
    return 1.0f / std::sqrt(variance[channel] + epsilon);
  }
  /// What statistics are kept as. The mean of an infinity is one, and its deviation NaN.
  void store_moments(std::int64_t channel, double channel_mean, double channel_variance) const {
    const bool is_number = channel_variance == channel_variance;
    new_mean[channel] = static_cast<float>(is_number ? channel_mean : channel_variance);
    new_variance[channel] = static_cast<float>(channel_variance);
  }
};

/// The four ops in one order of elements.
struct BatchNormLoops {
  using Loop = void (*)(const BatchNormOperands& o);
  Loop forward, gradient, inference, inference_gradient;
  std::size_t (*workspace)(const ChannelExtents& n);
};

/// Where elements of a channel are neighbours.
const BatchNormLoops& batch_norm_runs();
/// Where channels are (spatial = 1): channels-last images, and matrices.
const BatchNormLoops& batch_norm_rows();

}  // namespace engine::cpu
