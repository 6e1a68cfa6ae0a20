// Mean squared error; see kernels/mean_squared_error.h.
#pragma once

#include <memory>

#include "graph/op.h"

namespace engine::ops {

std::shared_ptr<const graph::Op> mean_squared_error();
std::shared_ptr<const graph::Op> mean_squared_error_gradient();

}  // namespace engine::ops
