// The rewrite that stores images channels-last, where every kernel of convolution is fastest.
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
