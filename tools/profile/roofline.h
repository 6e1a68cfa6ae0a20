// The roofline model (Williams, Waterman, Patterson, "Roofline: an insightful visual performance
// model for multicore architectures", 2009): a kernel that needs so many operations and so many
// bytes takes at least max(operations / peak arithmetic, bytes / peak bandwidth). Both peaks are
// measured on the device at hand, in the run whose kernels are compared with them.
#pragma once

#include <cstddef>
#include <string>

#include "engine/device/device.h"
#include "engine/tune/problem.h"
#include "graph/program.h"

namespace engine::tools {

struct Peaks {
  double gigaflops = 0;       ///< per second, of the best matrix product
  std::string product;        ///< which one: "1024x1024x1024 by onednn.inner_product"
  double gigabytes = 0;       ///< per second, read and written together, of a streaming pass
  std::size_t footprint = 0;  ///< bytes that the pass goes over

  /// Microseconds that `step` takes at least; 0 for one without operations and bytes.
  double attainable(const graph::Step& step) const;
  /// Whether arithmetic is what bounds it from below, not memory.
  bool is_arithmetic_bound(const graph::Step& step) const;
};

/// `footprint` is how many bytes a training step goes over: the streaming pass goes over as many,
/// so that a step which fits a cache is compared with that cache.
Peaks measure_peaks(Device& device, Stream& stream, Math math, std::size_t footprint);

}  // namespace engine::tools
