// The innermost matrix product of the CPU kernels: a tile of c held in registers, over a packed b.
#pragma once

#include <array>
#include <cstdint>

namespace engine::cpu {

/// Operands of a product: element (i, d) of a lies at a[i * a_row + d * a_depth]. b is packed, a
/// sequence of panels of 2 * lanes columns, the last one of `lanes` if no more are left, each of
/// `depth` lines of so many floats; or, with b_row, row-major with whole registers to read. c is
/// row-major with rows c_row apart.
struct PackedProduct {
  const float* a;
  std::int64_t a_row, a_depth;
  const float* b;
  std::int64_t depth;
  float* c;
  std::int64_t c_row;
  bool add;  ///< to what c holds
  /// Else: a line of as many floats as c has columns, that every row starts from.
  const float* start = nullptr;
  std::int64_t b_row = 0;  ///< floats from a line of b to the next; 0: b is packed
};

/// Kernels for a tile of c, whose register blocking depends on the machine.
struct MicroKernel {
  struct Tile {
    int rows;
    void (*run)(const PackedProduct&);
  };
  using Tiles = std::array<Tile, 4>;  ///< the lowest first
  int lanes;                          ///< floats of a register
  int rows;  ///< most, of a tile of 2 * lanes columns; those of `lanes` columns have twice as many
  Tiles wide, narrow;

  std::int64_t padded_columns(std::int64_t columns) const {
    return (columns + lanes - 1) / lanes * lanes;
  }
  /// Room for whole tiles of either kind.
  std::int64_t padded_rows(std::int64_t count) const {
    return (count + 2 * rows - 1) / (2 * rows) * (2 * rows);
  }
  /// Where an element of a packed b of `depth` lines of so many columns lies.
  std::int64_t packed_offset(std::int64_t line, std::int64_t column, std::int64_t depth,
                             std::int64_t columns) const {
    const std::int64_t panel = column / (2 * lanes) * (2 * lanes);
    return panel * depth + line * panel_width(panel, columns) + column - panel;
  }
  /// Width of the panel that starts at column `panel` of so many columns.
  std::int64_t panel_width(std::int64_t panel, std::int64_t columns) const {
    return columns - panel > lanes ? 2 * lanes : lanes;
  }
};

/// The one for this machine.
const MicroKernel& micro_kernel();

/// Puts `line`, of `columns` floats, where line `index` of a packed b of `depth` lines is, with
/// zeros behind it; nullptr: zeros alone.
void pack_line(const float* line, std::int64_t index, std::int64_t depth, std::int64_t columns,
               float* to);

/// c[padded_rows(rows), padded_columns(columns)] = or += a · b: whole tiles of both a and c are
/// read and written.
void multiply_packed(const PackedProduct& product, std::int64_t rows, std::int64_t columns);

/// Of that, the panel that starts at `panel`, a multiple of 2 * lanes.
void multiply_panel(const PackedProduct& product, std::int64_t rows, std::int64_t columns,
                    std::int64_t panel);

}  // namespace engine::cpu
