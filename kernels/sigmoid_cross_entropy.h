// sigmoid_cross_entropy and its gradient: the sigmoid folded into the binary cross-entropy, the
// loss of kernels/mean_loss.h where x are logits, a target is the probability of "yes", usually 0
// or 1, and
//
//   term = max(x, 0) - x t + log(1 + exp(-|x|)),  slope = sigmoid(x) - t
//
// The term is -t log(sigmoid(x)) - (1 - t) log(1 - sigmoid(x)), arranged so that no exponential can
// overflow (documented so by TensorFlow's sigmoid_cross_entropy_with_logits). NaN stays visible.
#pragma once

#include "kernels/mean_loss.h"
#include "kernels/real_functions.h"

namespace engine {

struct SigmoidCrossEntropy {
  static constexpr const char* kName = "sigmoid_cross_entropy";
  static SigmoidCrossEntropy from(const Attributes&) { return {}; }

  ENGINE_HOST_DEVICE float term(float x, float t) const {
    const float tail = real::log1p_fraction(real::exp(x > 0.0f ? -x : x));
    return (x > 0.0f ? x : 0.0f) - x * t + tail;
  }
  ENGINE_HOST_DEVICE float slope(float x, float t) const { return real::sigmoid(x) - t; }
};

}  // namespace engine
