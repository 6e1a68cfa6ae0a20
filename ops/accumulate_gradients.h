// Sums of gradients over several steps; see kernels/accumulate_gradients.h.
#pragma once

#include "ops/multi_tensor.h"

namespace engine::ops {

/// Of `count` gradients, begun anew every `every` steps.
std::shared_ptr<const graph::Op> accumulate_gradients(std::size_t count, std::int64_t every);

}  // namespace engine::ops
