// Running statistics; see kernels/moving_average.h.
#pragma once

#include "ops/multi_tensor.h"

namespace engine::ops {

/// Of `count` statistics.
std::shared_ptr<const graph::Op> moving_average(std::size_t count, double momentum);

}  // namespace engine::ops
