#include "kernels/strided.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/core/error.h"

namespace engine {

std::int64_t StridedLoop::count() const {
  std::int64_t product = 1;
  for (int i = 0; i < rank; ++i) product *= extent(i);
  return product;
}

void StridedLoop::append(std::int64_t extent, const Strides& stride) {
  const auto last = static_cast<std::size_t>(rank);
  ENGINE_CHECK(rank < Shape::kMaxRank, "more loops than a tensor has axes");
  extents[last] = extent;
  strides[last] = stride;
  ++rank;
}

void StridedLoop::collapse(int least) {
  StridedLoop joined;
  for (int i = rank - 1; i >= 0; --i) {
    const std::int64_t n = extent(i);
    const Strides& step = stride(i);
    if (n == 1) continue;
    bool one_walk = joined.rank > 0;
    for (std::size_t operand = 0; one_walk && operand < kOperands; ++operand)
      one_walk = joined.stride(0)[operand] == step[operand] * n;
    if (one_walk) {
      const auto last = static_cast<std::size_t>(joined.rank - 1);
      joined.extents[last] *= n;
      joined.strides[last] = step;
    } else {
      joined.append(n, step);
    }
  }
  while (joined.rank < least) {
    std::copy_backward(joined.extents.begin(), joined.extents.end() - 1, joined.extents.end());
    std::copy_backward(joined.strides.begin(), joined.strides.end() - 1, joined.strides.end());
    joined.extents[0] = 1;
    joined.strides[0] = {};
    ++joined.rank;
  }
  *this = joined;
}

bool StridedLoop::bring_unit_stride_inside(std::size_t operand) {
  if (rank < 2 || stride(0)[operand] == 1) return false;
  for (int i = 1; i < rank; ++i) {
    if (stride(i)[operand] != 1) continue;
    const auto from = static_cast<std::ptrdiff_t>(at(i)), to = static_cast<std::ptrdiff_t>(at(1));
    std::rotate(extents.begin() + from, extents.begin() + from + 1, extents.begin() + to + 1);
    std::rotate(strides.begin() + from, strides.begin() + from + 1, strides.begin() + to + 1);
    return true;
  }
  return false;
}

std::array<std::int64_t, Shape::kMaxRank> dense_strides(const Shape& shape) {
  std::array<std::int64_t, Shape::kMaxRank> strides{};
  for (int axis = 0; axis < shape.rank(); ++axis)
    strides[static_cast<std::size_t>(axis)] = shape.elements_after(axis);
  return strides;
}

std::array<std::int64_t, Shape::kMaxRank> broadcast_strides(const Shape& shape, const Shape& to) {
  const auto dense = dense_strides(shape);
  std::array<std::int64_t, Shape::kMaxRank> strides{};
  const int added = to.rank() - shape.rank();
  for (int axis = 0; axis < shape.rank(); ++axis)
    if (shape[axis] == to[axis + added])
      strides[static_cast<std::size_t>(axis + added)] = dense[static_cast<std::size_t>(axis)];
  return strides;
}

Shape broadcast_shape(const Shape& a, const Shape& b) {
  const int rank = std::max(a.rank(), b.rank());
  std::array<std::int64_t, Shape::kMaxRank> extents{};
  for (int i = 1; i <= rank; ++i) {
    const std::int64_t in_a = i <= a.rank() ? a[-i] : 1, in_b = i <= b.rank() ? b[-i] : 1;
    if (in_a != in_b && in_a != 1 && in_b != 1)
      throw ShapeError(fmt::format("shapes {} and {} do not broadcast: {} against {}",
                                   a.to_string(), b.to_string(), in_a, in_b));
    extents[static_cast<std::size_t>(rank - i)] = in_a == 1 ? in_b : in_a;
  }
  return Shape(std::span(extents).first(static_cast<std::size_t>(rank)));
}

}  // namespace engine
