// accumulate_gradients: the running sums from which every "every"-th step updates. A multi-tensor
// op (kernels/multi_tensor.h):
//
//   scalars  step i64[]; predicate f32[]
//   states   sums;  incoming: gradients
//   sum' = (step mod every == 0 ? 0 : sum) + (predicate is finite ? gradient : 0)
//
// Nothing of a step whose predicate is not finite gets in, whatever its gradients hold. Attribute
// "every" (integer), outside the problem key.
#pragma once

#include "kernels/multi_tensor.h"

namespace engine {

struct AccumulateGradients {
  static constexpr int kScalars = 2, kStates = 1;
  std::int64_t every;

  static AccumulateGradients from(const Attributes& attributes) {
    return {attributes.integer("every")};
  }

  template <class R>
  struct Step {
    bool first, counts;
    bool skip;

    template <class T>
    ENGINE_HOST_DEVICE void operator()(T gradient, T* sum) const {
      sum[0] = (first ? T(0) : sum[0]) + (counts ? gradient : T(0));
    }
  };

  template <class R>
  ENGINE_HOST_DEVICE Step<R> at(const ScalarOperands& scalars) const {
    const bool first = scalars.integer(0) % every == 0, counts = is_finite(scalars.real(1));
    return {first, counts, !first && !counts};
  }
};

}  // namespace engine
