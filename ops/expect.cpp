#include "ops/expect.h"

#include <fmt/format.h>

namespace engine::ops {

void expect_count(std::span<const TensorType> inputs, std::size_t count) {
  if (inputs.size() != count)
    throw ShapeError(fmt::format("{} operands, expected {}", inputs.size(), count));
}

void expect(const TensorType& type, DType dtype, int rank, std::string_view what) {
  if (type.dtype != dtype || type.shape.rank() != rank)
    throw ShapeError(fmt::format("{} is {}, expected {} of rank {}", what, type.to_string(),
                                 dtype_name(dtype), rank));
}

void expect_real(const TensorType& type, int rank, std::string_view what) {
  if ((type.dtype != DType::f32 && type.dtype != DType::bf16) || type.shape.rank() != rank)
    throw ShapeError(
        fmt::format("{} is {}, expected f32 or bf16 of rank {}", what, type.to_string(), rank));
}

void expect(const TensorType& type, const TensorType& expected, std::string_view what) {
  if (type != expected)
    throw ShapeError(
        fmt::format("{} is {}, expected {}", what, type.to_string(), expected.to_string()));
}

void expect_data(const graph::GradientContext& context, std::size_t operand,
                 std::string_view what) {
  if (!context.needed[operand]) return;
  const graph::Node& producer = context.node.input(operand)->producer();
  if (graph::is_state_read(producer) &&
      context.graph.find_state(graph::state_name(producer))->role == graph::StateRole::data)
    return;
  throw UsageError(fmt::format("{}: {} of '{}' get no gradient, and may depend on no parameter",
                               context.node.label(), what, context.node.op().name()));
}

}  // namespace engine::ops
