// A blocked matrix product. A task is a panel of 16 columns by up to 192 rows of the result; along
// the depth it proceeds in blocks of 256, for which the panel of b is first copied to the stack,
// contiguous and padded with zeros. Six rows of the panel are accumulated at a time in registers: 6
// x 16 floats are 6 of the 32 registers of AVX-512, and 12 of the 16 of AVX2.
#include "kernels/cpu/matrix.h"

#include <algorithm>
#include <cstring>

#include "engine/device/cpu/parallel.h"
#include "kernels/cpu/simd.h"

namespace engine::cpu {
namespace {

constexpr int kRows = 6;
constexpr int kColumns = 16;
constexpr int kDepth = 256;
constexpr std::int64_t kTaskRows = 192;
constexpr std::int64_t kTaskWork = 1 << 18;  ///< multiply-adds worth a thread

using Vector = float __attribute__((vector_size(4 * kColumns)));

// out[6][16] += six rows of a · panel. Rows that lie outside the matrix repeat the last one.
ENGINE_SIMD_CLONES
void accumulate(const float* const* rows, std::int64_t stride, const float* panel,
                std::int64_t depth, float* out) {
  Vector sums[kRows];
  std::memcpy(sums, out, sizeof sums);
  for (std::int64_t k = 0; k < depth; ++k) {
    Vector b;
    std::memcpy(&b, panel + k * kColumns, sizeof b);
    for (int r = 0; r < kRows; ++r) sums[r] += rows[r][k * stride] * b;
  }
  std::memcpy(out, sums, sizeof sums);
}

void pack(const MatrixView& b, std::int64_t first_column, std::int64_t columns,
          std::int64_t first_depth, std::int64_t depth, float* panel) {
  const float* source = b.data + first_depth * b.row_stride + first_column * b.column_stride;
  for (std::int64_t k = 0; k < depth; ++k) {
    float* target = panel + k * kColumns;
    for (std::int64_t j = 0; j < columns; ++j)
      target[j] = source[k * b.row_stride + j * b.column_stride];
    std::fill(target + columns, target + kColumns, 0.0f);
  }
}

// One product, cut into tasks.
struct Product {
  MatrixView a, b;
  const float* bias;
  float* c;
  std::int64_t rows, columns, depth;

  std::int64_t row_parts() const { return (rows + kTaskRows - 1) / kTaskRows; }
  std::int64_t tasks() const { return (columns + kColumns - 1) / kColumns * row_parts(); }

  void run(std::int64_t task) const {
    alignas(64) float panel[kDepth * kColumns];
    const std::int64_t column = task / row_parts() * kColumns;
    const std::int64_t width = std::min<std::int64_t>(kColumns, columns - column);
    const std::int64_t first_row = task % row_parts() * kTaskRows;
    const std::int64_t last_row = std::min(rows, first_row + kTaskRows);
    // A product over no terms is still written: hence at least one turn.
    std::int64_t k = 0;
    do {
      const std::int64_t length = std::min<std::int64_t>(kDepth, depth - k);
      pack(b, column, width, k, length, panel);
      for (std::int64_t row = first_row; row < last_row; row += kRows)
        tile(row, column, width, k, length, panel);
      k += kDepth;
    } while (k < depth);
  }

  void tile(std::int64_t row, std::int64_t column, std::int64_t width, std::int64_t k,
            std::int64_t length, const float* panel) const {
    alignas(64) float sums[kRows * kColumns] = {};
    const float* a_rows[kRows];
    const auto height = static_cast<int>(std::min<std::int64_t>(kRows, rows - row));
    for (int r = 0; r < kRows; ++r)
      a_rows[r] = a.data + (row + std::min(r, height - 1)) * a.row_stride + k * a.column_stride;
    for (int r = 0; r < height; ++r) {
      const float* start = k > 0 ? c + (row + r) * columns : bias;
      if (start != nullptr) std::copy_n(start + column, width, sums + r * kColumns);
    }
    accumulate(a_rows, a.column_stride, panel, length, sums);
    for (int r = 0; r < height; ++r)
      std::copy_n(sums + r * kColumns, width, c + (row + r) * columns + column);
  }
};

template <class T>
ENGINE_SIMD_INLINE void add_rows_loop(const T* a, float* sums, std::int64_t rows,
                                      std::int64_t stride, std::int64_t columns) {
  for (std::int64_t j = 0; j < columns; ++j) sums[j] = 0;
  for (std::int64_t i = 0; i < rows; ++i) {
    const T* row = a + i * stride;
    ENGINE_SIMD_LOOP
    for (std::int64_t j = 0; j < columns; ++j) sums[j] += row[j];
  }
}

ENGINE_SIMD_CLONES
void add_rows(const float* a, float* sums, std::int64_t rows, std::int64_t stride,
              std::int64_t columns) {
  add_rows_loop(a, sums, rows, stride, columns);
}

ENGINE_SIMD_CLONES
void add_rows(const bfloat16* a, float* sums, std::int64_t rows, std::int64_t stride,
              std::int64_t columns) {
  add_rows_loop(a, sums, rows, stride, columns);
}

template <class T>
void sum_columns(const T* a, float* sums, std::int64_t rows, std::int64_t columns) {
  // Whole cache lines of columns a thread, and enough of them to be worth it.
  const std::int64_t grain =
      std::max<std::int64_t>(1, kElementGrain / 16 / std::max<std::int64_t>(1, rows)) * 16;
  parallel_for(columns, grain, [&](std::int64_t begin, std::int64_t end) {
    add_rows(a + begin, sums + begin, rows, columns, end - begin);
  });
}

}  // namespace

void multiply(const MatrixView& a, const MatrixView& b, const float* bias, float* c,
              std::int64_t rows, std::int64_t columns, std::int64_t depth) {
  const Product product{a, b, bias, c, rows, columns, depth};
  const std::int64_t work = std::min(rows, kTaskRows) * kColumns * std::max<std::int64_t>(1, depth);
  const std::int64_t grain = std::max<std::int64_t>(1, kTaskWork / std::max<std::int64_t>(1, work));
  parallel_for(product.tasks(), grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t task = begin; task < end; ++task) product.run(task);
  });
}

void column_sums(const float* a, float* sums, std::int64_t rows, std::int64_t columns) {
  sum_columns(a, sums, rows, columns);
}

void column_sums(const bfloat16* a, float* sums, std::int64_t rows, std::int64_t columns) {
  sum_columns(a, sums, rows, columns);
}

}  // namespace engine::cpu
