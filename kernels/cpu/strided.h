// Strided loops on the CPU's threads, cut into tiles of the two innermost loops.
#pragma once

#include <algorithm>

#include "engine/device/cpu/parallel.h"
#include "kernels/cpu/simd.h"
#include "kernels/strided.h"

namespace engine::cpu {

/// A part of the two innermost loops: where it starts in each operand, and its size.
struct Tile {
  StridedLoop::Strides offset;
  std::int64_t rows, columns;
};

/// Calls body(Tile) for disjoint tiles that cover `loop` (of rank 2 at least), of about
/// kElementGrain elements where the loops are as long. Columns are kept together where they fit.
template <class Body>
void for_each_tile(const StridedLoop& loop, const Body& body) {
  const std::int64_t rows = loop.extent(1), columns = loop.extent(0);
  if (loop.count() == 0) return;
  const std::int64_t width = std::min(columns, std::max<std::int64_t>(1024, kElementGrain / rows));
  const std::int64_t height = std::min(rows, std::max<std::int64_t>(1, kElementGrain / width));
  const std::int64_t across = (columns + width - 1) / width, down = (rows + height - 1) / height;
  const std::int64_t tiles = loop.count() / (rows * columns) * across * down;
  const std::int64_t grain = std::max<std::int64_t>(1, kElementGrain / (width * height));
  parallel_for(tiles, grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t index = begin; index < end; ++index) {
      const std::int64_t column = index % across * width, row = index / across % down * height;
      Tile tile{{}, std::min(height, rows - row), std::min(width, columns - column)};
      for (std::size_t k = 0; k < StridedLoop::kOperands; ++k)
        tile.offset[k] = row * loop.stride(1)[k] + column * loop.stride(0)[k];
      std::int64_t rest = index / (across * down);
      for (int i = 2; i < loop.rank; ++i) {
        for (std::size_t k = 0; k < StridedLoop::kOperands; ++k)
          tile.offset[k] += rest % loop.extent(i) * loop.stride(i)[k];
        rest /= loop.extent(i);
      }
      body(tile);
    }
  });
}

}  // namespace engine::cpu
