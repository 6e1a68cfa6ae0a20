#include "engine/core/shape.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "engine/core/error.h"

namespace engine {

std::int64_t checked_multiply(std::int64_t a, std::int64_t b, const char* what) {
  std::int64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product))
    throw ShapeError(fmt::format("{}: {} x {} does not fit 64 bits", what, a, b));
  return product;
}

Shape::Shape(std::span<const std::int64_t> extents) {
  if (extents.size() > kMaxRank)
    throw ShapeError(fmt::format("shape [{}] has rank {}, at most {} is supported",
                                 fmt::join(extents, ", "), extents.size(), kMaxRank));
  for (std::int64_t extent : extents) {
    if (extent < 0)
      throw ShapeError(fmt::format("shape [{}] has a negative extent", fmt::join(extents, ", ")));
    extents_[static_cast<std::size_t>(rank_++)] = extent;
    element_count_ = checked_multiply(element_count_, extent, "element count");
  }
}

std::int64_t Shape::operator[](int axis) const {
  int index = axis < 0 ? axis + rank_ : axis;
  if (index < 0 || index >= rank_)
    throw ShapeError(fmt::format("axis {} of shape {} of rank {}", axis, to_string(), rank_));
  return extents_[static_cast<std::size_t>(index)];
}

std::int64_t Shape::elements_after(int axis) const {
  std::int64_t product = 1;
  for (int i = axis + 1; i < rank_; ++i) product *= extents_[static_cast<std::size_t>(i)];
  return product;
}

std::string Shape::to_string() const {
  return fmt::format("[{}]", fmt::join(extents(), ", "));
}

}  // namespace engine
