// A double that carries its magnitude: the scale that rounding errors in computing it are measured
// in. Sums add magnitudes, so that cancellation is accounted for; products and quotients bound the
// first-order growth of their operands' relative errors. A formula written once as a template gives
// its reference and its error bound when it is run on these.
#pragma once

#include <cmath>

namespace engine {

struct Tracked {
  double value = 0;
  double magnitude = 0;

  Tracked() = default;
  Tracked(double v) : value(v), magnitude(std::abs(v)) {}
  Tracked(double v, double m) : value(v), magnitude(m) {}

  friend Tracked operator+(Tracked a, Tracked b) {
    return {a.value + b.value, a.magnitude + b.magnitude};
  }
  friend Tracked operator-(Tracked a, Tracked b) {
    return {a.value - b.value, a.magnitude + b.magnitude};
  }
  friend Tracked operator*(Tracked a, Tracked b) {
    return {a.value * b.value, a.magnitude * b.magnitude};
  }
  friend Tracked operator/(Tracked a, Tracked b) {
    return {a.value / b.value, a.magnitude * b.magnitude / (b.value * b.value)};
  }
  friend Tracked sqrt(Tracked a) {
    const double root = std::sqrt(a.value);
    return {root, root > 0 ? a.magnitude / root : root};
  }
  friend bool operator<(Tracked a, Tracked b) { return a.value < b.value; }
  friend bool operator>(Tracked a, Tracked b) { return a.value > b.value; }
};

}  // namespace engine
