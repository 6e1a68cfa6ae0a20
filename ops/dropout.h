// Drop-out; see kernels/dropout.h.
#pragma once

#include <memory>

#include "graph/op.h"
#include "kernels/dropout.h"

namespace engine::ops {

/// Operands: x and the step counter. Throws UsageError unless 0 <= rate < 1.
std::shared_ptr<const graph::Op> dropout(const DropoutAttributes& attributes);

}  // namespace engine::ops
