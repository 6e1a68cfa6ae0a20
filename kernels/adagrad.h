// adagrad: the step of kernels/optimizer.h with one moment, the sum of squares s, and
// g' = g + weight_decay·p:
//
//   s' = s + g'²;  p' = p - lr·g' / (sqrt(s') + epsilon)
//
// (Duchi, Hazan and Singer, JMLR 2011; in PyTorch's form, without its decay of the learning rate,
// which is a schedule here.)
#pragma once

#include "kernels/optimizer.h"

namespace engine {

/// Attributes "epsilon" and "weight_decay" (real).
struct Adagrad {
  static constexpr int kMoments = 1;
  float epsilon, weight_decay;

  static Adagrad from(const Attributes& attributes) {
    return {static_cast<float>(attributes.real("epsilon")),
            static_cast<float>(attributes.real("weight_decay"))};
  }

  template <class R, class T>
  ENGINE_HOST_DEVICE void update(R rate, T gradient, T& parameter, T* moment) const {
    using std::sqrt;
    gradient = gradient + weight_decay * parameter;
    moment[0] = moment[0] + gradient * gradient;
    parameter = parameter - rate * gradient / (sqrt(moment[0]) + epsilon);
  }
};

}  // namespace engine
