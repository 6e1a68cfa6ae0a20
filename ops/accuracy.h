// The number of rows classified rightly; see kernels/accuracy.h.
#pragma once

#include <memory>

#include "graph/op.h"

namespace engine::ops {

std::shared_ptr<const graph::Op> accuracy();

}  // namespace engine::ops
