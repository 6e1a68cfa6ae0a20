// Mean and variance in double, with the magnitudes of what f32 kernels make of them.
//
// A kernel's first estimate of the mean is off by some eps·mean(|x|); its deviations from that
// estimate are exact to their last bit, and so are the variance and the correction that they give,
// but for what is left of the estimate's error, squared.
#pragma once

#include <cmath>
#include <cstddef>
#include <limits>

namespace engine {

struct Moments {
  double mean = 0, variance = 0;
  double mean_magnitude = 0, variance_magnitude = 0;

  /// Of x(0) … x(count - 1); 0 when there are none.
  template <class F>
  static Moments of(std::size_t count, const F& x) {
    Moments m;
    if (count == 0) return m;
    const auto n = static_cast<double>(count);
    for (std::size_t i = 0; i < count; ++i) m.mean += x(i) / n;
    for (std::size_t i = 0; i < count; ++i) m.mean_magnitude += std::abs(x(i)) / n;
    for (std::size_t i = 0; i < count; ++i) m.variance += (x(i) - m.mean) * (x(i) - m.mean) / n;
    if (std::isnan(m.variance)) m.mean = m.variance;  // of an infinity
    const double estimate_error = 8 * std::numeric_limits<float>::epsilon() * m.mean_magnitude;
    m.variance_magnitude = m.variance + estimate_error * estimate_error;
    return m;
  }

  double inverse_deviation(double epsilon) const { return 1 / std::sqrt(variance + epsilon); }
  double inverse_deviation_magnitude(double epsilon) const {
    return inverse_deviation(epsilon) * (variance_magnitude + epsilon) / (variance + epsilon);
  }
};

/// y = x̂ * gamma + beta, and its magnitude when the mean may be off by eps * mean_magnitude.
struct Normalized {
  double y, magnitude;
  Normalized(double x, double mean, double mean_magnitude, double inverse_deviation, double gamma,
             double beta) {
    const double normalized = (x - mean) * inverse_deviation;
    y = normalized * gamma + beta;
    magnitude =
        std::abs(gamma) * (std::abs(normalized) + mean_magnitude * std::abs(inverse_deviation)) +
        std::abs(beta);
  }
};

/// The gradient of a row or channel of `count` elements: dx(i) = inverse_deviation * (g - mean(g)
/// - x̂ * mean(g x̂)), with sums of their absolute values for the magnitudes. `count` may be 0.
struct NormalizationGradient {
  double count, g = 0, gx = 0, g_magnitude = 0, gx_magnitude = 0;

  explicit NormalizationGradient(std::size_t n) : count(static_cast<double>(n)) {}
  void add(double gradient, double normalized) {
    g += gradient;
    gx += gradient * normalized;
    g_magnitude += std::abs(gradient);
    gx_magnitude += std::abs(gradient * normalized);
  }
  double dx(double gradient, double normalized) const {
    return gradient - g / count - normalized * (gx / count);
  }
  double magnitude(double gradient, double normalized) const {
    return std::abs(gradient) + g_magnitude / count + std::abs(normalized) * gx_magnitude / count;
  }
};

}  // namespace engine
