// Conversion between f32 and bf16; see kernels/cast.h.
#pragma once

#include <memory>

#include "graph/op.h"

namespace engine::ops {

/// `to` is f32 or bf16, and the operand the other one. The gradient is the cast back.
std::shared_ptr<const graph::Op> cast(DType to);

}  // namespace engine::ops
