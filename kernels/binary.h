// The element-wise functions of two operands, f32, broadcast to one shape as in NumPy (aligned at
// the last axis, an extent of 1 repeats): a row of a table each. Operands of one shape may be bf16,
// which is computed in f32.
//
//   <name>   a, b -> y. y may be an operand of its own shape.
//
// "add" serves the sums of gradients that the compiler emits (graph::make_add) as well. maximum and
// minimum are NaN where either operand is; which zero they take of 0 and -0 is open. greater_equal
// and less give 1 or 0 (0 where an operand is NaN): the masks of the gradients of maximum, where
// the first operand wins a tie.
#pragma once

#include <algorithm>
#include <cmath>
#include <string_view>

#include "engine/core/host_device.h"
#include "engine/tune/problem.h"
#include "kernels/strided.h"

namespace engine {

namespace binary {

// clang-format off
// ROW(name, y as a function of a and b, the magnitude that rounding errors are measured by)
#define ENGINE_BINARY_TABLE(ROW)                                            \
  ROW(add, a + b, std::abs(a) + std::abs(b))                                \
  ROW(subtract, a - b, std::abs(a) + std::abs(b))                           \
  ROW(multiply, a * b, std::abs(a * b))                                     \
  ROW(divide, a / b, std::abs(a / b))                                       \
  ROW(maximum, a > b || a != a ? a : b, std::max(std::abs(a), std::abs(b))) \
  ROW(minimum, a < b || a != a ? a : b, std::max(std::abs(a), std::abs(b))) \
  ROW(greater_equal, a >= b ? T(1) : T(0), T(1))                            \
  ROW(less, a < b ? T(1) : T(0), T(1))
// clang-format on

#define ENGINE_BINARY_TYPE(name_, value_, magnitude_)                \
  struct name_ {                                                     \
    static constexpr std::string_view name = #name_;                 \
    template <class T>                                               \
    static ENGINE_HOST_DEVICE T value(T a, T b) {                    \
      return value_;                                                 \
    }                                                                \
    template <class T>                                               \
    static T magnitude([[maybe_unused]] T a, [[maybe_unused]] T b) { \
      return magnitude_;                                             \
    }                                                                \
  };
ENGINE_BINARY_TABLE(ENGINE_BINARY_TYPE)
#undef ENGINE_BINARY_TYPE

}  // namespace binary

/// The loops of a problem; the operands are y, a, b.
StridedLoop binary_loop(const Problem& problem);

}  // namespace engine
