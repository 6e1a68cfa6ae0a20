// What the references of dense and convolution share: weights as products take them, the epilogue.
#pragma once

#include <cmath>
#include <span>

#include "engine/tune/reference.h"
#include "kernels/dense.h"

namespace engine {

/// A weight as products take it.
inline double multiplied_weight(const Problem& problem, double weight) {
  return multiplies_bfloat16(problem) ? double{bfloat16(weight)} : weight;
}

/// Adds the bias of its channel to `y`, a product that is element `e` of the output, then activates
/// and drops; inputs[2] is the bias, inputs[3] the step.
inline void apply_epilogue(const DenseAttributes& epilogue, std::size_t channel,
                           std::span<const ReferenceTensor> inputs, std::size_t e,
                           ReferenceElement& y) {
  const double bias = inputs[2].values[channel];
  y.value += bias;
  y.magnitude += std::abs(bias);
  if (epilogue.activation == Activation::relu && y.value <= 0) y.value = 0;
  if (epilogue.dropout.rate == 0) return;
  const auto step = static_cast<std::uint64_t>(inputs[3].values[0]);
  const bool kept = random_word(epilogue.dropout.key, step, e) >= epilogue.dropout.threshold();
  y.value = kept ? y.value * epilogue.dropout.scale() : 0;
  y.magnitude *= epilogue.dropout.scale();
}

}  // namespace engine
