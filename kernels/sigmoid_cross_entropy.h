// Sigmoid folded into the binary cross-entropy. Logits z and targets t are f32 of one shape with n
// elements; a target is the probability of "yes", usually 0 or 1.
//
//   sigmoid_cross_entropy           z, t -> loss f32[]: the mean over the elements of
//                                   max(z, 0) - z t + log(1 + exp(-|z|)); 0 if n = 0
//   sigmoid_cross_entropy_gradient  z, t, dloss f32[] -> dz = (sigmoid(z) - t) * dloss / n.
//                                   dz may be z or t.
//
// The loss is -t log(sigmoid(z)) - (1 - t) log(1 - sigmoid(z)), arranged so that no exponential can
// overflow (documented so by TensorFlow's sigmoid_cross_entropy_with_logits). NaN stays visible.
#pragma once

#include "kernels/real_functions.h"

namespace engine {

/// One element's loss, in f32.
ENGINE_HOST_DEVICE float sigmoid_cross_entropy_term(float z, float t) {
  const float tail = real::log1p_fraction(real::exp(z > 0.0f ? -z : z));
  return (z > 0.0f ? z : 0.0f) - z * t + tail;
}

/// One element's gradient; `scale` is dloss / n.
ENGINE_HOST_DEVICE float sigmoid_cross_entropy_slope(float z, float t, float scale) {
  return (real::sigmoid(z) - t) * scale;
}

}  // namespace engine
