// Rows of a trained table by number; see kernels/embedding.h.
#pragma once

#include <memory>

#include "graph/op.h"

namespace engine::ops {

/// Operands: table, tokens. Results of f32 or bf16. The table's gradient is embedding_gradient().
std::shared_ptr<const graph::Op> embedding(DType output = DType::f32);
/// Operands: dy, tokens. `vocabulary` is the number of rows of the table.
std::shared_ptr<const graph::Op> embedding_gradient(std::int64_t vocabulary);

}  // namespace engine::ops
