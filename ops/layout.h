// Conversion between layouts; see kernels/layout.h.
#pragma once

#include <memory>

#include "graph/op.h"

namespace engine::ops {

/// Of f32 or bf16 [N, C, S...] in any layout.
std::shared_ptr<const graph::Op> to_layout(Layout layout);

}  // namespace engine::ops
