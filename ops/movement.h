// Ops that move elements and change none; see kernels/movement.h. Operands have any dtype of four
// bytes.
#pragma once

#include <memory>
#include <vector>

#include "graph/op.h"

namespace engine::ops {

using OpPointer = std::shared_ptr<const graph::Op>;
using Extents = std::vector<std::int64_t>;

OpPointer broadcast(const Shape& shape);
OpPointer concatenate(int axis);
/// One entry an axis.
OpPointer slice(Extents begin, Extents extents);
OpPointer pad(Extents before, Extents after, double value = 0);
/// Axis k of the result is axis permutation[k] of the operand.
OpPointer transpose(Extents permutation);
OpPointer reshape(const Shape& shape);

}  // namespace engine::ops
