// rmsprop: the step of kernels/optimizer.h with one moment, the mean square s, and
// g' = g + weight_decay·p:
//
//   s' = rho·s + (1 - rho)·g'²;  p' = p - lr·g' / (sqrt(s') + epsilon)
//
// (Tieleman and Hinton, lecture 6.5, 2012; epsilon outside the root, as in PyTorch and Keras 2.)
#pragma once

#include "kernels/optimizer.h"

namespace engine {

/// Attributes "rho", "epsilon" and "weight_decay" (real).
struct Rmsprop {
  static constexpr int kMoments = 1;
  float rho, one_minus_rho, epsilon, weight_decay;

  static Rmsprop from(const Attributes& attributes) {
    const double rho = attributes.real("rho");
    return {static_cast<float>(rho), static_cast<float>(1 - rho),
            static_cast<float>(attributes.real("epsilon")),
            static_cast<float>(attributes.real("weight_decay"))};
  }

  template <class R, class T>
  ENGINE_HOST_DEVICE void update(R rate, T gradient, T& parameter, T* moment) const {
    using std::sqrt;
    gradient = gradient + weight_decay * parameter;
    moment[0] = rho * moment[0] + one_minus_rho * gradient * gradient;
    parameter = parameter - rate * gradient / (sqrt(moment[0]) + epsilon);
  }
};

}  // namespace engine
