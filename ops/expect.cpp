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

void expect(const TensorType& type, const TensorType& expected, std::string_view what) {
  if (type != expected)
    throw ShapeError(
        fmt::format("{} is {}, expected {}", what, type.to_string(), expected.to_string()));
}

}  // namespace engine::ops
