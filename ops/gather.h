// Rows of a resident data set, converted; see kernels/gather.h.
#pragma once

#include <memory>

#include "graph/op.h"
#include "kernels/gather.h"

namespace engine::ops {

/// Output of f32 or bf16 with a normalization. Throws UsageError for numbers that do not go
/// together.
std::shared_ptr<const graph::Op> gather_normalized(const GatherAttributes& attributes,
                                                   DType output = DType::f32);
/// i32 output: labels and tokens.
std::shared_ptr<const graph::Op> gather_integers();

}  // namespace engine::ops
