// Operands of recurrent layers in the orders that their products and libraries want.
#pragma once

#include <cuda_runtime_api.h>

#include <span>

namespace engine::cuda {

/// to[column, row] = from[row, column], where a row of either takes so many elements.
struct Transposition {
  const float* from;
  int from_stride;
  float* to;
  int to_stride, rows, columns;
};
inline constexpr std::size_t kMostTranspositions = 16;
/// Up to kMostTranspositions of them, in one launch.
void launch_transpositions(std::span<const Transposition> list, cudaStream_t stream);

/// Copies a block of rows x columns between matrices with so many elements a row.
void launch_block_copy(const float* from, int from_stride, float* to, int to_stride, int rows,
                       int columns, cudaStream_t stream);

/// Sequences [N, T, features] of fewer than 2^31 elements, whose steps are reversed on their way
/// where that is asked for.
struct Sequences {
  unsigned sequences, steps, features;
  bool reverse;
};
/// Puts steps first, [T, N, features], or sequences, [N, T, features].
void launch_steps_first(const float* from, float* to, const Sequences& n, cudaStream_t stream);
void launch_sequences_first(const float* from, float* to, const Sequences& n, cudaStream_t stream);

}  // namespace engine::cuda
