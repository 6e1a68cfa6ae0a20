// adadelta: the step of kernels/optimizer.h with two moments, the mean square of gradients s and
// that of updates u. With g' = g + weight_decay·p:
//
//   s' = rho·s + (1 - rho)·g'²;  d = sqrt(u + epsilon) / sqrt(s' + epsilon) · g'
//   u' = rho·u + (1 - rho)·d²;   p' = p - lr·d
//
// (Zeiler, 2012; epsilon inside the roots, as there, in PyTorch and in Keras.)
#pragma once

#include "kernels/optimizer.h"

namespace engine {

/// Attributes "rho", "epsilon" and "weight_decay" (real).
struct Adadelta {
  static constexpr int kMoments = 2;
  float rho, one_minus_rho, epsilon, weight_decay;

  static Adadelta from(const Attributes& attributes) {
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
    const T change = sqrt(moment[1] + epsilon) / sqrt(moment[0] + epsilon) * gradient;
    moment[1] = rho * moment[1] + one_minus_rho * change * change;
    parameter = parameter - rate * change;
  }
};

}  // namespace engine
