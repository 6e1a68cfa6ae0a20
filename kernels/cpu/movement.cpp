// Strided copies on the CPU, in words of four bytes.
//
// Rows that are dense on both sides are block copies. A transposition goes through squares of 16 by
// 16 words, so that every cache line is used whole on both sides.
#include "kernels/movement.h"

#include <algorithm>
#include <cstring>

#include "engine/tune/registry.h"
#include "kernels/cpu/strided.h"

namespace engine {
namespace cpu {
namespace {

using Word [[gnu::may_alias]] = std::uint32_t;
constexpr std::int64_t kSquare = 16;

// Element (row, column) lies at row·row_stride + column·column_stride.
struct Side {
  std::int64_t row_stride, column_stride;
};

// The input's rows have stride 1, the output's columns.
ENGINE_SIMD_CLONES
void transpose_square(const Word* from, Word* to, std::int64_t from_column_stride,
                      std::int64_t to_row_stride) {
  Word square[kSquare][kSquare];
  for (std::int64_t c = 0; c < kSquare; ++c)
    for (std::int64_t r = 0; r < kSquare; ++r) square[r][c] = from[c * from_column_stride + r];
  for (std::int64_t r = 0; r < kSquare; ++r)
    for (std::int64_t c = 0; c < kSquare; ++c) to[r * to_row_stride + c] = square[r][c];
}

void fill_words(Word* to, std::int64_t count, std::uint32_t word) {
  for (std::int64_t i = 0; i < count; ++i) to[i] = word;
}

void copy_elements(const Word* from, Word* to, std::int64_t rows, std::int64_t columns,
                   const Side& from_side, const Side& to_side) {
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t c = 0; c < columns; ++c)
      to[r * to_side.row_stride + c * to_side.column_stride] =
          from[r * from_side.row_stride + c * from_side.column_stride];
}

void transpose_tile(const Word* from, Word* to, const Tile& tile, const Side& from_side,
                    const Side& to_side) {
  for (std::int64_t r = 0; r < tile.rows; r += kSquare)
    for (std::int64_t c = 0; c < tile.columns; c += kSquare) {
      const Word* source = from + r + c * from_side.column_stride;
      Word* target = to + r * to_side.row_stride + c;
      const std::int64_t rows = std::min(kSquare, tile.rows - r);
      const std::int64_t columns = std::min(kSquare, tile.columns - c);
      if (rows == kSquare && columns == kSquare)
        transpose_square(source, target, from_side.column_stride, to_side.row_stride);
      else
        copy_elements(source, target, rows, columns, from_side, to_side);
    }
}

void copy_tile(const Word* from, Word* to, const Tile& tile, const Side& from_side,
               const Side& to_side) {
  if (to_side.column_stride == 1 && from_side.column_stride == 1) {
    for (std::int64_t r = 0; r < tile.rows; ++r)
      std::memcpy(to + r * to_side.row_stride, from + r * from_side.row_stride,
                  static_cast<std::size_t>(tile.columns) * sizeof(Word));
  } else if (to_side.column_stride == 1 && from_side.column_stride == 0) {
    for (std::int64_t r = 0; r < tile.rows; ++r)
      fill_words(to + r * to_side.row_stride, tile.columns, from[r * from_side.row_stride]);
  } else if (to_side.column_stride == 1 && from_side.row_stride == 1) {
    transpose_tile(from, to, tile, from_side, to_side);
  } else {
    copy_elements(from, to, tile.rows, tile.columns, from_side, to_side);
  }
}

void run(const StridedCopy& copy, const Word* from, Word* to) {
  const auto side = [&](std::size_t operand) {
    return Side{copy.loop.stride(1)[operand], copy.loop.stride(0)[operand]};
  };
  for_each_tile(copy.loop, [&](const Tile& tile) {
    copy_tile(from + copy.from_offset + tile.offset[StridedCopy::from],
              to + copy.to_offset + tile.offset[StridedCopy::to], tile, side(StridedCopy::from),
              side(StridedCopy::to));
  });
}

void fill(Word* to, std::int64_t count, std::uint32_t word) {
  parallel_for(count, kElementGrain, [&](std::int64_t begin, std::int64_t end) {
    fill_words(to + begin, end - begin, word);
  });
}

SimpleCandidate::Launch prepare(const Problem& problem) {
  MovementPlan plan = MovementPlan::of(problem);
  for (StridedCopy& copy : plan.copies) copy.loop.bring_unit_stride_inside(StridedCopy::from);
  return [plan](const LaunchArguments& arguments) {
    const TensorView& y = arguments.outputs[0];
    auto* to = static_cast<Word*>(y.data);
    if (plan.fill) fill(to, y.type.element_count(), *plan.fill);
    for (const StridedCopy& copy : plan.copies) {
      const auto* from = static_cast<const Word*>(arguments.inputs[copy.input].data);
      if (from == to && copy.is_plain()) continue;  // reshaped in place
      run(copy, from, to);
    }
  };
}

}  // namespace
}  // namespace cpu

void register_movement_cpu(CandidateRegistry& registry) {
  for (const std::string& op : movement_ops())
    registry.add(SimpleCandidate{.op = op,
                                 .backend = "cpu",
                                 .id = "cpu.copy",
                                 .prepare = cpu::prepare,
                                 .refuse = refuse_movement});
}

}  // namespace engine
