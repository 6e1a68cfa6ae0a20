// Dense linear algebra that the engine brings itself, where no library serves.
#pragma once

#include <cstdint>

#include "engine/core/bfloat16.h"

namespace engine::cpu {

/// A matrix inside f32 memory: element (i, j) is data[i * row_stride + j * column_stride].
struct MatrixView {
  const float* data;
  std::int64_t row_stride, column_stride;
};

/// c[rows, columns] (row-major) = a[rows, depth] · b[depth, columns] + bias[columns], on all
/// threads. `bias` may be null. Any extent may be 0. The result does not depend on the number of
/// threads.
void multiply(const MatrixView& a, const MatrixView& b, const float* bias, float* c,
              std::int64_t rows, std::int64_t columns, std::int64_t depth);

/// sums[columns] = sums over the rows of the row-major a[rows, columns], on all threads.
void column_sums(const float* a, float* sums, std::int64_t rows, std::int64_t columns);
void column_sums(const bfloat16* a, float* sums, std::int64_t rows, std::int64_t columns);

}  // namespace engine::cpu
