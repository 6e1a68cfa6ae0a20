// What the multi-tensor optimizer kernels share. One launch updates all parameters.
//
//   inputs   learning_rate f32[]; n parameters; n gradients; m moments
//   outputs  n parameters; m moments (each may be its input)
//
//   sgd      m = n with "momentum" > 0, else 0.   v' = momentum·v + g;  p' = p - lr·v'   (v' = g
//   without)
//            No unit gain: the gradient enters the velocity undamped (Sutskever et al., ICML 2013,
//            in the form that PyTorch documents).
//   rmsprop  m = n.   s' = rho·s + (1 - rho)·g²;  p' = p - lr·g / (sqrt(s') + epsilon)
//            (Tieleman and Hinton, lecture 6.5, 2012; epsilon outside the root, as in Keras.)
//
// All of f32; the attribute "count" is n. Attributes of the update rule stay out of the problem
// key.
#pragma once

#include <cstddef>

#include "engine/tune/problem.h"

namespace engine {

/// Where the operands of an optimizer problem are.
struct OptimizerOperands {
  std::size_t count;  ///< n

  static OptimizerOperands of(const Problem& problem) {
    return {static_cast<std::size_t>(problem.attributes.integer("count"))};
  }
  std::size_t parameter(std::size_t i) const { return 1 + i; }
  std::size_t gradient(std::size_t i) const { return 1 + count + i; }
  std::size_t moment(std::size_t i) const { return 1 + 2 * count + i; }
  std::size_t new_parameter(std::size_t i) const { return i; }
  std::size_t new_moment(std::size_t i) const { return count + i; }
};

}  // namespace engine
