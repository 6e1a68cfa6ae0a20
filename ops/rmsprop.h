// RMSprop; see kernels/optimizer.h.
#pragma once

#include <memory>

#include "graph/op.h"

namespace engine::ops {

/// Over `count` parameters, with one mean square for each.
std::shared_ptr<const graph::Op> rmsprop(std::size_t count, double rho, double epsilon);

}  // namespace engine::ops
