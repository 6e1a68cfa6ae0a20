#include "product.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace simcuda {
namespace {

constexpr std::size_t tile_rows = 4;
constexpr std::size_t tile_columns = 32;

// A packed as k × m and B as k × (n rounded up to whole tiles), so the inner loop reads both in
// order.
struct Packed {
  std::vector<float> values;
  std::size_t width;
};

Packed pack(const MatrixView& view, std::size_t k, std::size_t lines, std::int64_t line_stride,
            std::int64_t k_stride, std::size_t tile, bool tf32) {
  const std::size_t width = (lines + tile - 1) / tile * tile;
  Packed packed{std::vector<float>(k * width, 0.0f), width};
  for (std::size_t i = 0; i < k; ++i)
    for (std::size_t line = 0; line < lines; ++line) {
      const float value = view.data[static_cast<std::int64_t>(line) * line_stride +
                                    static_cast<std::int64_t>(i) * k_stride];
      packed.values[i * width + line] = tf32 ? round_to_tf32(value) : value;
    }
  return packed;
}

// One tile of C, over k in [begin, end). `fma` is the hardware's or the library's: equal results.
[[gnu::always_inline]] inline void tile_product(const float* a, std::size_t a_width, const float* b,
                                                std::size_t b_width, std::size_t begin,
                                                std::size_t end, float* out) {
  float sums[tile_rows][tile_columns] = {};
  for (std::size_t i = begin; i < end; ++i)
    for (std::size_t row = 0; row < tile_rows; ++row)
      for (std::size_t column = 0; column < tile_columns; ++column)
        sums[row][column] =
            __builtin_fmaf(a[i * a_width + row], b[i * b_width + column], sums[row][column]);
  for (std::size_t row = 0; row < tile_rows; ++row)
    for (std::size_t column = 0; column < tile_columns; ++column)
      out[row * tile_columns + column] = sums[row][column];
}

__attribute__((target("avx2,fma"))) void tile_product_fma(const float* a, std::size_t a_width,
                                                          const float* b, std::size_t b_width,
                                                          std::size_t begin, std::size_t end,
                                                          float* out) {
  tile_product(a, a_width, b, b_width, begin, end, out);
}

void tile_product_plain(const float* a, std::size_t a_width, const float* b, std::size_t b_width,
                        std::size_t begin, std::size_t end, float* out) {
  tile_product(a, a_width, b, b_width, begin, end, out);
}

}  // namespace

float from_bf16(std::uint16_t bits) {
  return std::bit_cast<float>(std::uint32_t{bits} << 16);
}

std::uint16_t to_bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if (std::isnan(value)) return static_cast<std::uint16_t>(bits >> 16 | 0x40u);
  return static_cast<std::uint16_t>((bits + 0x7FFFu + (bits >> 16 & 1u)) >> 16);
}

float round_to_tf32(float value) {
  if (!std::isfinite(value)) return value;
  constexpr std::uint32_t dropped_bits = 13;
  const auto bits = std::bit_cast<std::uint32_t>(value) + (1u << (dropped_bits - 1));
  return std::bit_cast<float>(bits & ~((1u << dropped_bits) - 1));
}

std::vector<float> multiply(const MatrixView& a, const MatrixView& b, std::size_t m, std::size_t n,
                            std::size_t k, std::size_t splits, bool tf32) {
  const auto tile_function = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")
                                 ? tile_product_fma
                                 : tile_product_plain;
  const Packed left = pack(a, k, m, a.row_stride, a.column_stride, tile_rows, tf32);
  const Packed right = pack(b, k, n, b.column_stride, b.row_stride, tile_columns, tf32);
  std::vector<float> result(m * n, 0.0f);
  float tile[tile_rows * tile_columns];
  for (std::size_t split = 0; split < splits; ++split)
    for (std::size_t column = 0; column < n; column += tile_columns)
      for (std::size_t row = 0; row < m; row += tile_rows) {
        tile_function(left.values.data() + row, left.width, right.values.data() + column,
                      right.width, k * split / splits, k * (split + 1) / splits, tile);
        for (std::size_t i = 0; i < std::min(tile_rows, m - row); ++i)
          for (std::size_t j = 0; j < std::min(tile_columns, n - column); ++j)
            result[(row + i) * n + column + j] += tile[i * tile_columns + j];
      }
  return result;
}

}  // namespace simcuda
