// Pooling; operands and formulas in kernels/pool.h.
#pragma once

#include <memory>

#include "graph/op.h"
#include "kernels/pool.h"

namespace engine::ops {

/// All throw UsageError for strides, dilations or extents below 1 and padding below 0, and max_pool
/// when it infers its types ShapeError for windows of more than 255 elements.
std::shared_ptr<const graph::Op> max_pool(const PoolAttributes& attributes);
std::shared_ptr<const graph::Op> average_pool(const PoolAttributes& attributes);
/// `input` are the spatial extents of what was pooled.
std::shared_ptr<const graph::Op> max_pool_gradient(const PoolAttributes& attributes,
                                                   const Extents3& input, double scale = 1);
std::shared_ptr<const graph::Op> average_pool_gradient(const PoolAttributes& attributes,
                                                       const Extents3& input);

}  // namespace engine::ops
