// Stochastic gradient descent with momentum; see kernels/optimizer.h.
#pragma once

#include <memory>

#include "graph/op.h"

namespace engine::ops {

/// Over `count` parameters; without momentum (0) there are no moments.
std::shared_ptr<const graph::Op> sgd(std::size_t count, double momentum);

}  // namespace engine::ops
