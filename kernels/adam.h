// adam: the step of kernels/optimizer.h with two moments, the mean m and the mean square v. With
// g' = g + weight_decay·p, and t the number of updates, this one included:
//
//   m' = beta1·m + (1 - beta1)·g';  v' = beta2·v + (1 - beta2)·g'²
//   p' = p - lr / (1 - beta1^t) · m' / (sqrt(v' / (1 - beta2^t)) + epsilon)
//
// (Kingma and Ba, ICLR 2015.) Decoupled, which is AdamW (Loshchilov and Hutter, ICLR 2019), the
// gradient stays as it is and the parameter shrinks first, to (1 - lr·weight_decay)·p.
#pragma once

#include "kernels/optimizer.h"

namespace engine {

/// Attributes "beta1", "beta2", "epsilon", "weight_decay" (real) and "decoupled" (flag).
struct Adam {
  static constexpr int kMoments = 2;
  double log_beta1, log_beta2;
  float beta1, one_minus_beta1, beta2, one_minus_beta2, epsilon, weight_decay;
  bool decoupled;

  static Adam from(const Attributes& attributes) {
    const double beta1 = attributes.real("beta1"), beta2 = attributes.real("beta2");
    return {std::log(beta1),
            std::log(beta2),
            static_cast<float>(beta1),
            static_cast<float>(1 - beta1),
            static_cast<float>(beta2),
            static_cast<float>(1 - beta2),
            static_cast<float>(attributes.real("epsilon")),
            static_cast<float>(attributes.real("weight_decay")),
            attributes.flag("decoupled")};
  }

  template <class R>
  struct Constants {
    R rate;        ///< bias-corrected
    R root_scale;  ///< of sqrt(v')
    R shrink;      ///< share of the parameter that decoupled decay takes
    R gradient_decay;
  };

  /// 1 - beta^t as -expm1(t·log(beta)), which loses no digits where beta^t is near 1, and in f32
  /// has an error of a few units in the last place at every t.
  template <class R>
  ENGINE_HOST_DEVICE Constants<R> constants(R learning_rate, std::int64_t updates) const {
    const double t = static_cast<double>(updates + 1);
    return {learning_rate / -std::expm1(static_cast<R>(t * log_beta1)),
            1 / std::sqrt(-std::expm1(static_cast<R>(t * log_beta2))),
            decoupled ? learning_rate * weight_decay : R(0), decoupled ? R(0) : R(weight_decay)};
  }

  template <class R, class T>
  ENGINE_HOST_DEVICE void update(const Constants<R>& step, T gradient, T& parameter,
                                 T* moment) const {
    using std::sqrt;
    gradient = gradient + step.gradient_decay * parameter;
    moment[0] = beta1 * moment[0] + one_minus_beta1 * gradient;
    moment[1] = beta2 * moment[1] + one_minus_beta2 * gradient * gradient;
    parameter = parameter - step.shrink * parameter -
                step.rate * moment[0] / (sqrt(moment[1]) * step.root_scale + epsilon);
  }
};

}  // namespace engine
