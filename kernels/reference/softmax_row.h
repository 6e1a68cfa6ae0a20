// A row of logits under the softmax, in double.
//
// Magnitudes. An f32 kernel knows z - max only to within eps·(|z| + |max|), which exp turns into a
// relative error of that size; the error of the sum is the mean of those under p. Hence "spread".
#pragma once

#include <cmath>
#include <limits>
#include <span>

namespace engine {

struct SoftmaxRow {
  std::span<const double> logits;
  double largest = -std::numeric_limits<double>::infinity();
  double sum = 0;     ///< of exp(z - largest)
  double spread = 0;  ///< mean of |z| + |largest| under the softmax

  explicit SoftmaxRow(std::span<const double> z) : logits(z) {
    for (double value : z)
      if (std::isnan(value) || value > largest) largest = value;
    for (double value : z) sum += std::exp(value - largest);
    for (double value : z) spread += probability(value) * argument_scale(value);
  }
  double probability(double z) const { return std::exp(z - largest) / sum; }
  double argument_scale(double z) const {
    return std::isinf(z) ? 0 : std::abs(z) + std::abs(largest);
  }
  /// The scale of the error of probability(z), relative to it.
  double uncertainty(double z) const { return 1 + argument_scale(z) + spread; }
};

}  // namespace engine
