// huber_loss and its gradient (Huber, 1964), quadratic near the target and linear far from it: the
// loss of kernels/mean_loss.h with d = x - t and
//
//   term = d² / 2 where |d| <= delta, else delta (|d| - delta / 2)
//   slope = d within [-delta, delta], else the nearer end
//
// With x and t exchanged the gradient is the target's. NaN stays visible.
#pragma once

#include <cmath>

#include "kernels/mean_loss.h"
#include "kernels/real_functions.h"

namespace engine {

/// Attribute "delta" (real, > 0), rounded to f32. It cannot decide which kernel is fastest.
struct HuberLoss {
  static constexpr const char* kName = "huber_loss";
  float delta;

  static HuberLoss from(const Attributes& attributes) {
    return {static_cast<float>(attributes.real("delta"))};
  }

  // Both branches at once: within delta, near · (d - near / 2) is d² / 2.
  ENGINE_HOST_DEVICE float term(float x, float t) const {
    const float distance = std::fabs(x - t);
    const float near = distance < delta ? distance : delta;
    return near * (distance - 0.5f * near);
  }
  ENGINE_HOST_DEVICE float slope(float x, float t) const {
    return real::clamp(x - t, -delta, delta);
  }
};

}  // namespace engine
