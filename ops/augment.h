// Random shift and mirroring of images; see kernels/augment.h.
#pragma once

#include <memory>

#include "graph/op.h"
#include "kernels/augment.h"

namespace engine::ops {

/// Operands: images [B, C, H, W] and the step counter. Throws UsageError unless 0 <= shift < 1.
std::shared_ptr<const graph::Op> augment(const AugmentAttributes& attributes);

}  // namespace engine::ops
