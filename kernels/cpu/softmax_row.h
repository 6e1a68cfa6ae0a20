// What a softmax needs to know of a row. A row is worked on in chunks, the last one padded with
// -infinity (which exp turns into 0), so that maximum, sum and exponential vectorize for the ten
// classes of a small problem as well as for thousands.
#pragma once

#include <limits>

#include "kernels/cpu/lanes.h"
#include "kernels/real_functions.h"

namespace engine::cpu {

inline constexpr float kLogitPadding = -std::numeric_limits<float>::infinity();

struct SoftmaxStatistics {
  float maximum;
  float sum;  ///< of exp(z - maximum)
};

/// A NaN may be lost on the maximum, never on the sum.
ENGINE_SIMD_INLINE SoftmaxStatistics softmax_statistics(const float* z, std::int64_t length) {
  float chunk[kChunk], largest[kChunk], sum[kChunk];
  for (int i = 0; i < kChunk; ++i) largest[i] = kLogitPadding;
  for (int i = 0; i < kChunk; ++i) sum[i] = 0;
  for (std::int64_t j = 0; j < length; j += kChunk) {
    load_chunk(chunk, z + j, length - j, kLogitPadding);
    for (int i = 0; i < kChunk; ++i) largest[i] = chunk[i] > largest[i] ? chunk[i] : largest[i];
  }
  float maximum = kLogitPadding;
  for (int i = 0; i < kChunk; ++i) maximum = largest[i] > maximum ? largest[i] : maximum;
  for (std::int64_t j = 0; j < length; j += kChunk) {
    load_chunk(chunk, z + j, length - j, kLogitPadding);
    for (int i = 0; i < kChunk; ++i) sum[i] += real::exp(chunk[i] - maximum);
  }
  for (int width = kChunk / 2; width > 0; width /= 2)
    for (int i = 0; i < width; ++i) sum[i] += sum[i + width];
  return {maximum, sum[0]};
}

}  // namespace engine::cpu
