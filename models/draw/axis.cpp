#include "models/draw/axis.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace engine {

std::string Axis::label(double tick) const {
  const double largest = std::max(std::abs(low), std::abs(high));
  if (std::abs(tick) < step / 2) return "0";
  if (largest >= 1e6 || step < 1e-5) return fmt::format("{:.3g}", tick);
  const int decimals = std::max(0, -static_cast<int>(std::floor(std::log10(step) + 1e-9)));
  return fmt::format("{:.{}f}", tick, decimals);
}

Axis make_axis(double low, double high, int intervals, double smallest_step) {
  constexpr double kLargest = 1e300, kSmallest = 1e-20;
  low = std::max(low, -kLargest);
  high = std::min(high, kLargest);
  // Ticks closer than doubles can tell apart would never end.
  const double least =
      std::max({std::abs(low) * 1e-9, std::abs(high) * 1e-9, smallest_step, kSmallest});
  if (!(high - low >= least)) {
    const double margin = std::abs(low) < kSmallest ? 0.5 : std::abs(low) * 0.1;
    low -= margin;
    high += margin;
  }
  Axis axis;
  const double wanted = std::max((high - low) / intervals, least);
  const double power = std::pow(10, std::floor(std::log10(wanted)));
  for (double factor : {1.0, 2.0, 5.0, 10.0}) {
    axis.step = factor * power;
    if (axis.step >= wanted * (1 - 1e-9)) break;
  }
  const double first = std::floor(low / axis.step + 1e-9);
  const double last = std::ceil(high / axis.step - 1e-9);
  for (double i = first; i <= last; ++i) axis.ticks.push_back(i * axis.step);
  axis.low = axis.ticks.front();
  axis.high = axis.ticks.back();
  return axis;
}

}  // namespace engine
