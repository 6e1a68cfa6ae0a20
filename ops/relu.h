// Rectified linear unit; see kernels/relu.h.
#pragma once

#include <memory>

#include "graph/op.h"

namespace engine::ops {

std::shared_ptr<const graph::Op> relu();
/// `scale` is 1, or 1 / (1 - rate) when a drop-out after the ReLU shares its mask.
std::shared_ptr<const graph::Op> relu_gradient(double scale = 1);

}  // namespace engine::ops
