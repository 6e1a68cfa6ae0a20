// moving_average: running statistics follow those of the batch. A multi-tensor op
// (kernels/multi_tensor.h):
//
//   scalars  predicate f32[]
//   states   running averages;  incoming: the batch's values
//   running' = momentum·running + (1 - momentum)·value, or running when the predicate is not finite
//
// Attribute "momentum" (real), outside the problem key.
#pragma once

#include "kernels/multi_tensor.h"

namespace engine {

struct MovingAverage {
  static constexpr int kScalars = 1, kStates = 1;
  float momentum, one_minus_momentum;

  static MovingAverage from(const Attributes& attributes) {
    const double momentum = attributes.real("momentum");
    return {static_cast<float>(momentum), static_cast<float>(1 - momentum)};
  }

  template <class R>
  struct Step {
    float momentum, one_minus_momentum;
    bool skip;

    template <class T>
    ENGINE_HOST_DEVICE void operator()(T value, T* running) const {
      running[0] = momentum * running[0] + one_minus_momentum * value;
    }
  };

  template <class R>
  ENGINE_HOST_DEVICE Step<R> at(const ScalarOperands& scalars) const {
    return {momentum, one_minus_momentum, !is_finite(scalars.real(0))};
  }
};

}  // namespace engine
