// Axes with round numbers: ticks at multiples of 1, 2 or 5 times a power of ten.
#pragma once

#include <string>
#include <vector>

namespace engine {

struct Axis {
  double low = 0, high = 1;  ///< both are ticks
  double step = 1;           ///< between ticks
  std::vector<double> ticks;

  /// Where `value` lies between low (0) and high (1).
  double position(double value) const { return (value - low) / (high - low); }
  /// A tick's text, with as many decimals as the step needs.
  std::string label(double tick) const;
};

/// The tightest such axis that covers [low, high], both finite, in about `intervals` steps of at
/// least `smallest_step`. A range of nothing is widened; beyond ±1e300 an axis does not go.
Axis make_axis(double low, double high, int intervals, double smallest_step = 0);

}  // namespace engine
