// Loops that the compiler cannot vectorize as written, because they are sums or their length is
// odd: sums go to a fixed number of lanes, whatever the width of a register, so that results do not
// depend on the machine, and short rows are padded to whole chunks.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/cpu/simd.h"

namespace engine::cpu {

inline constexpr int kChunk = 16;

/// chunk[kChunk] = x[0 … count - 1], then `padding`.
ENGINE_SIMD_INLINE void load_chunk(float* chunk, const float* x, std::int64_t count,
                                   float padding) {
  if (count >= kChunk) {
    for (int i = 0; i < kChunk; ++i) chunk[i] = x[i];
  } else {
    for (int i = 0; i < kChunk; ++i) chunk[i] = padding;
    for (std::int64_t i = 0; i < count; ++i) chunk[i] = x[i];
  }
}

/// y[0 … count - 1] = the head of chunk[kChunk].
ENGINE_SIMD_INLINE void store_chunk(const float* chunk, float* y, std::int64_t count) {
  if (count >= kChunk) {
    for (int i = 0; i < kChunk; ++i) y[i] = chunk[i];
  } else {
    for (std::int64_t i = 0; i < count; ++i) y[i] = chunk[i];
  }
}

/// The sum of term(i) over [0, count), in double.
template <class Term>
ENGINE_SIMD_INLINE double sum_terms(std::int64_t count, const Term& term) {
  constexpr int kLanes = 16;
  double lanes[kLanes] = {};
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes)
    for (int lane = 0; lane < kLanes; ++lane) lanes[lane] += term(i + lane);
  for (int lane = 0; i < count; ++i, ++lane) lanes[lane] += term(i);
  for (int width = kLanes / 2; width > 0; width /= 2)
    for (int lane = 0; lane < width; ++lane) lanes[lane] += lanes[lane + width];
  return lanes[0];
}

/// Rows of `length` elements worth a thread of their own.
inline std::int64_t row_grain(std::int64_t length) {
  return std::max<std::int64_t>(1, kElementGrain / (kChunk + length));
}

}  // namespace engine::cpu
