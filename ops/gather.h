// Rows of a resident data set, converted; see kernels/gather.h.
#pragma once

#include <memory>

#include "graph/op.h"
#include "kernels/gather.h"

namespace engine::ops {

/// f32 output with a normalization.
std::shared_ptr<const graph::Op> gather_normalized(const GatherAttributes& attributes);
/// i32 output: labels.
std::shared_ptr<const graph::Op> gather_labels();

}  // namespace engine::ops
