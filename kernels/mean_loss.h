// Losses that are a mean over elements. Predictions x and targets t are f32 of one shape with n
// elements.
//
//   <name>           x, t -> loss f32[]: the mean of term(x, t); 0 if n = 0
//   <name>_gradient  x, t, dloss f32[] -> dx = slope(x, t) * dloss / n. dx may be x or t.
//
// Such a loss is a rule: one struct in kernels/<stem>.h says what happens to an element, and
// mean_loss.{h,cuh} of a folder runs it over all of them. References have loops of their own.
#pragma once

#include <concepts>
#include <string>

#include "engine/core/attributes.h"
#include "engine/core/host_device.h"

namespace engine {

/// `slope` is the derivative of `term` by x.
template <class Rule>
concept MeanLossRule = requires(const Rule& rule, const Attributes& attributes, float x, float t) {
  { Rule::kName } -> std::convertible_to<std::string>;
  { Rule::from(attributes) } -> std::same_as<Rule>;
  { rule.term(x, t) } -> std::same_as<float>;
  { rule.slope(x, t) } -> std::same_as<float>;
};

}  // namespace engine
