// Positions and coordinates in row-major tensors, for references written from the definition.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/core/shape.h"

namespace engine {

using Coordinates = std::vector<std::int64_t>;

inline Coordinates coordinates_of(std::size_t position, const Shape& shape) {
  Coordinates result(static_cast<std::size_t>(shape.rank()));
  auto rest = static_cast<std::int64_t>(position);
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    result[static_cast<std::size_t>(axis)] = rest % shape[axis];
    rest /= shape[axis];
  }
  return result;
}

inline std::size_t position_of(const Coordinates& coordinates, const Shape& shape) {
  std::int64_t position = 0;
  for (int axis = 0; axis < shape.rank(); ++axis)
    position = position * shape[axis] + coordinates[static_cast<std::size_t>(axis)];
  return static_cast<std::size_t>(position);
}

/// The element of a tensor of `shape` that a broadcast puts at `coordinates` of a larger shape.
inline std::size_t broadcast_position(const Coordinates& coordinates, const Shape& shape) {
  const std::size_t added = coordinates.size() - static_cast<std::size_t>(shape.rank());
  Coordinates own(coordinates.begin() + static_cast<std::ptrdiff_t>(added), coordinates.end());
  for (int axis = 0; axis < shape.rank(); ++axis)
    if (shape[axis] == 1) own[static_cast<std::size_t>(axis)] = 0;
  return position_of(own, shape);
}

}  // namespace engine
