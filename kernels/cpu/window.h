// Where a convolution reads, in either direction.
#pragma once

#include <cstdint>

#include "kernels/convolution.h"

namespace engine::cpu {

/// Which pixels of `from` the filter covers at a position of `to`: along each dimension tap r
/// covers (position * step + r * spread - before) / divisor, where that divides and lies inside.
struct Window {
  Extents3 from, to, filter;
  Extents3 step, spread, before, divisor;

  /// Of x around y.
  static Window forwards(const ConvolutionGeometry& g) {
    return {g.input,          g.output,          g.filter,
            g.window.stride,  g.window.dilation, g.window.padding_before,
            Extents3{1, 1, 1}};
  }
  /// Of dz around dx.
  static Window backwards(const ConvolutionGeometry& g) {
    Window w{g.output, g.input, g.filter, {1, 1, 1}, {}, {}, g.window.stride};
    for (std::size_t d = 0; d < 3; ++d) {
      w.spread[d] = -g.window.dilation[d];
      w.before[d] = -g.window.padding_before[d];
    }
    return w;
  }

  std::int64_t positions() const { return to[0] * to[1] * to[2]; }
  std::int64_t taps() const { return filter[0] * filter[1] * filter[2]; }

  /// The coordinate that tap r covers, or -1.
  std::int64_t covered(std::size_t d, std::int64_t position, std::int64_t r) const {
    std::int64_t at = position * step[d] + r * spread[d] - before[d];
    if (divisor[d] != 1) {
      if (at % divisor[d] != 0) return -1;
      at /= divisor[d];
    }
    return at >= 0 && at < from[d] ? at : -1;
  }
};

}  // namespace engine::cpu
