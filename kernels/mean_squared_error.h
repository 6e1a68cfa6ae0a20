// mean_squared_error and its gradient: the loss of kernels/mean_loss.h with
//
//   term = (x - t)²,  slope = 2 (x - t)
//
// With x and t exchanged the gradient is the target's.
#pragma once

#include "kernels/mean_loss.h"

namespace engine {

struct MeanSquaredError {
  static constexpr const char* kName = "mean_squared_error";
  static MeanSquaredError from(const Attributes&) { return {}; }

  ENGINE_HOST_DEVICE float term(float x, float t) const {
    const float difference = x - t;
    return difference * difference;
  }
  ENGINE_HOST_DEVICE float slope(float x, float t) const { return 2.0f * (x - t); }
};

}  // namespace engine
