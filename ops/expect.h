// Checks that the infer() functions of ops share, with messages that name what was expected.
#pragma once

#include <span>
#include <string_view>

#include "engine/core/tensor.h"
#include "graph/op.h"

namespace engine::ops {

/// Throws ShapeError unless there are `count` operands.
void expect_count(std::span<const TensorType> inputs, std::size_t count);
/// Throws ShapeError unless `type` has this dtype and rank; `what` names the operand.
void expect(const TensorType& type, DType dtype, int rank, std::string_view what);
/// The same for an operand of f32 or bf16.
void expect_real(const TensorType& type, int rank, std::string_view what);
/// Throws ShapeError unless the operand has exactly this type.
void expect(const TensorType& type, const TensorType& expected, std::string_view what);
/// For operands that get no gradient: throws UsageError when one is wanted and the operand is not
/// plain data, because its absence would go unnoticed.
void expect_data(const graph::GradientContext& context, std::size_t operand, std::string_view what);

}  // namespace engine::ops
