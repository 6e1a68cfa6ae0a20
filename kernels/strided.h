// Nested loops whose operands are walked at strides of their own: what broadcasting, transposing,
// slicing and concatenating have in common.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "engine/core/shape.h"

namespace engine {

struct StridedLoop {
  static constexpr int kOperands = 3;
  using Strides = std::array<std::int64_t, kOperands>;

  int rank = 0;
  std::array<std::int64_t, Shape::kMaxRank> extents{};  ///< the innermost last
  std::array<Strides, Shape::kMaxRank> strides{};       ///< elements, by dimension; unused ones 0

  std::int64_t count() const;
  std::int64_t extent(int from_innermost) const { return extents[at(from_innermost)]; }
  const Strides& stride(int from_innermost) const { return strides[at(from_innermost)]; }

  /// Adds a loop inside the others.
  void append(std::int64_t extent, const Strides& stride);
  /// Drops loops over one element and joins neighbours that all operands walk as one. At least
  /// `least` loops remain (of extent 1, at the outside). The order of elements stays the same.
  void collapse(int least = 0);
  /// Makes the loop in which `operand` has stride 1 the second innermost, if there is one that is
  /// not the innermost. Answers whether there was.
  bool bring_unit_stride_inside(std::size_t operand);

 private:
  std::size_t at(int from_innermost) const {
    return static_cast<std::size_t>(rank - 1 - from_innermost);
  }
};

/// The strides, in elements, of a dense row-major tensor.
std::array<std::int64_t, Shape::kMaxRank> dense_strides(const Shape& shape);
/// The strides that walk a tensor of `shape` as if it were broadcast (aligned at the last axis, as
/// in NumPy) to `to`: 0 along repeated axes.
std::array<std::int64_t, Shape::kMaxRank> broadcast_strides(const Shape& shape, const Shape& to);
/// The shape that both broadcast to; throws ShapeError naming both.
Shape broadcast_shape(const Shape& a, const Shape& b);

}  // namespace engine
