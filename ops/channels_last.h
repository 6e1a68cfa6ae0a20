// The rewrite that stores images channels-last: the CPU's Winograd and gathered products vectorize
// over channels, and all of cuDNN's kernels for sm_90 want it. It is a fixed choice, not a measured
// one.
#pragma once

#include <string>
#include <vector>

#include "graph/ir.h"

namespace engine::ops {

/// Makes every region of connected ops that take any layout, with a convolution among them,
/// channels-last. What enters is gathered that way or converted, what leaves is converted back; a
/// line for each conversion.
std::vector<std::string> store_channels_last(graph::Graph& graph);

}  // namespace engine::ops
