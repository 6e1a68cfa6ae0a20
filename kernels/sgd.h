// sgd: the step of kernels/optimizer.h with g' = g + weight_decay·p and
//
//   no moments            p' = p - lr·g'
//   one, the velocity     v' = momentum·v + g';  p' = p - lr·v', or with Nesterov's momentum
//                         p' = p - lr·(g' + momentum·v')
//
// No unit gain: the gradient enters the velocity undamped (Sutskever et al., ICML 2013, in the form
// that PyTorch documents).
#pragma once

#include "kernels/optimizer.h"

namespace engine {

/// Attributes "momentum" (real; there is a moment when it is not 0), "nesterov" (flag) and
/// "weight_decay" (real).
template <bool kMomentum>
struct Sgd {
  static constexpr int kMoments = kMomentum ? 1 : 0;
  float momentum, weight_decay;
  bool nesterov;

  static Sgd from(const Attributes& attributes) {
    return {static_cast<float>(attributes.real("momentum")),
            static_cast<float>(attributes.real("weight_decay")), attributes.flag("nesterov")};
  }

  template <class R, class T>
  ENGINE_HOST_DEVICE void update(R rate, T gradient, T& parameter,
                                 [[maybe_unused]] T* moment) const {
    gradient = gradient + weight_decay * parameter;
    if constexpr (kMomentum) {
      moment[0] = momentum * moment[0] + gradient;
      gradient = nesterov ? gradient + momentum * moment[0] : moment[0];
    }
    parameter = parameter - rate * gradient;
  }
};

}  // namespace engine
