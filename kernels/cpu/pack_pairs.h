// The layout in which matrix instructions for bf16 take their second operand.
#pragma once

#include <cstdint>

#include "engine/core/bfloat16.h"
#include "kernels/cpu/matrix.h"

namespace engine::cpu {

/// A matrix [depth, columns] in blocks of 2 * pairs by `width` elements, those of one group of
/// columns after another. A block holds for each pair of rows the elements of every column, the two
/// of a column side by side. What lies outside the matrix is 0.
struct PairLayout {
  std::int64_t depth, columns;
  int pairs, width;  ///< at most 16 and 64

  std::int64_t deep_blocks() const { return (depth + 2 * pairs - 1) / (2 * pairs); }
  std::int64_t wide_blocks() const { return (columns + width - 1) / width; }
  std::int64_t block_size() const { return std::int64_t{2} * pairs * width; }
  std::int64_t size() const { return deep_blocks() * wide_blocks() * block_size(); }
};

/// packed[layout.size()] = the matrix `source`, one of whose strides is 1, rounded to bf16; on all
/// threads.
void pack_pairs(const MatrixView& source, const PairLayout& layout, bfloat16* packed);

}  // namespace engine::cpu
