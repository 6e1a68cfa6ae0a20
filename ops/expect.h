// Checks that the infer() functions of ops share, with messages that name what was expected.
#pragma once

#include <span>
#include <string_view>

#include "engine/core/tensor.h"

namespace engine::ops {

/// Throws ShapeError unless there are `count` operands.
void expect_count(std::span<const TensorType> inputs, std::size_t count);
/// Throws ShapeError unless `type` has this dtype and rank; `what` names the operand.
void expect(const TensorType& type, DType dtype, int rank, std::string_view what);
/// Throws ShapeError unless the operand has exactly this type.
void expect(const TensorType& type, const TensorType& expected, std::string_view what);

}  // namespace engine::ops
