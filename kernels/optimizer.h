// What the optimizers share. Each is a multi-tensor op (kernels/multi_tensor.h): gradients update
// parameters and the moments that belong to them.
//
//   scalars  learning_rate f32[]; gradient_scale f32[]; step i64[]
//   states   parameters; the rule's moments
//   incoming gradients
//
// A gradient enters the rule as clamp(gradient * gradient_scale, ±clip_value). A scale of 0 (the
// step only accumulates) or one that is not finite (some gradient is not) skips the update.
// Attributes, none of which belongs to the problem key:
//   "clip_value"  0 for none
//   "every"       steps an update: the rule sees update number step / every, from 0
//
// A rule is a struct of its attributes with
//   kMoments                                           the number of its moments
//   constants(learning rate, updates so far)           what the elements of one update share; a
//                                                      rule without it needs the rate alone
//   update(constants, gradient, parameter&, moment*)   one element
// Attributes are rounded to f32 from expressions in double, so that 1 - beta is as good as beta.
// Formulas are PyTorch's (torch.optim), weight decay included: it is added to the gradient, unless
// a rule says otherwise.
#pragma once

#include <cmath>
#include <limits>
#include <utility>

#include "kernels/multi_tensor.h"

namespace engine {

struct OptimizerAttributes {
  double clip_value = 0;
  std::int64_t every = 1;

  static OptimizerAttributes from(const Attributes& attributes) {
    return {attributes.real("clip_value"), attributes.integer("every")};
  }
  void add_to(Attributes& attributes) const {
    attributes.set_untuned("clip_value", clip_value).set_untuned("every", every);
  }
};

/// A rule in the frame of multi-tensor ops.
template <class Rule>
struct OptimizerUpdate {
  static constexpr int kScalars = 3;
  static constexpr int kStates = 1 + Rule::kMoments;

  Rule rule;
  float limit;  ///< of a scaled gradient's absolute value
  std::int64_t every;

  static OptimizerUpdate from(const Attributes& attributes) {
    const auto frame = OptimizerAttributes::from(attributes);
    return {Rule::from(attributes),
            frame.clip_value > 0 ? static_cast<float>(frame.clip_value)
                                 : std::numeric_limits<float>::infinity(),
            frame.every};
  }

  template <class R>
  ENGINE_HOST_DEVICE static auto constants(const Rule& rule, R learning_rate,
                                           std::int64_t updates) {
    if constexpr (requires { rule.constants(learning_rate, updates); })
      return rule.constants(learning_rate, updates);
    else
      return learning_rate;
  }

  template <class R>
  struct Step {
    Rule rule;
    decltype(constants(std::declval<Rule>(), R(), 0)) shared;
    float scale, limit;
    bool skip;

    template <class T>
    ENGINE_HOST_DEVICE void operator()(T incoming, T* state) const {
      const T scaled = incoming * scale;
      const T gradient = scaled > limit ? T(limit) : scaled < -limit ? T(-limit) : scaled;
      rule.update(shared, gradient, state[0], state + 1);
    }
  };

  template <class R>
  ENGINE_HOST_DEVICE Step<R> at(const ScalarOperands& scalars) const {
    const float scale = scalars.real(1);
    return {rule, constants(rule, R(scalars.real(0)), scalars.integer(2) / every), scale, limit,
            scale == 0 || !is_finite(scale)};
  }
};

}  // namespace engine
