// A tile of c fills most of the registers: 6 x 16 floats are 12 of the 16 of AVX2, 12 x 32 are 24
// of the 32 of AVX-512. Of its columns 8 (16) are computed where no more are left, with twice the
// rows, so that as many sums hide the latency of an addition.
#include "kernels/cpu/micro_kernel.h"

#include "kernels/cpu/simd.h"

namespace engine::cpu {
namespace {

// `adjacent`: the rows of a are neighbours in memory.
template <int lanes, int rows, int vectors, bool adjacent>
ENGINE_SIMD_INLINE void run_tile(const PackedProduct& p) {
  using Vector = Lanes<lanes>;
  Vector sums[rows][vectors] = {};
  const float* a = p.a;
  const float* b = p.b;
  const std::int64_t a_row = adjacent ? 1 : p.a_row, a_depth = adjacent ? p.a_depth : 1;
  for (std::int64_t d = 0; d < p.depth; ++d, a += a_depth, b += vectors * lanes) {
    Vector line[vectors];
    for (int v = 0; v < vectors; ++v) load_lanes(line[v], b + v * lanes);
    for (int r = 0; r < rows; ++r)
      for (int v = 0; v < vectors; ++v) sums[r][v] += a[r * a_row] * line[v];
  }
  ENGINE_UNROLL for (int r = 0; r < rows; ++r) ENGINE_UNROLL for (int v = 0; v < vectors; ++v) {
    float* to = p.c + r * p.c_row + v * lanes;
    Vector sum{};
    if (p.add) load_lanes(sum, to);
    sum += sums[r][v];
    store_lanes(to, sum);
  }
}

template <int lanes, int rows, int vectors>
ENGINE_SIMD_INLINE void run_any(const PackedProduct& p) {
  if (p.a_depth == 1)
    run_tile<lanes, rows, vectors, false>(p);
  else
    run_tile<lanes, rows, vectors, true>(p);
}

ENGINE_SIMD_CLONES void tile_6x16(const PackedProduct& p) {
  run_any<8, 6, 2>(p);
}
ENGINE_SIMD_CLONES void tile_12x8(const PackedProduct& p) {
  run_any<8, 12, 1>(p);
}
ENGINE_SIMD_CLONES void tile_12x32(const PackedProduct& p) {
  run_any<16, 12, 2>(p);
}
ENGINE_SIMD_CLONES void tile_24x16(const PackedProduct& p) {
  run_any<16, 24, 1>(p);
}

bool has_avx512() {
#if defined(__x86_64__) && defined(__GNUC__)
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl");
#else
  return false;
#endif
}

}  // namespace

const MicroKernel& micro_kernel() {
  static const MicroKernel kernel = has_avx512() ? MicroKernel{16, 12, tile_12x32, tile_24x16}
                                                 : MicroKernel{8, 6, tile_6x16, tile_12x8};
  return kernel;
}

void multiply_packed(const PackedProduct& product, std::int64_t rows, std::int64_t columns) {
  const MicroKernel& kernel = micro_kernel();
  for (std::int64_t column = 0; column < columns; column += 2 * kernel.lanes) {
    const bool wide = kernel.panel_width(column, columns) > kernel.lanes;
    const int height = wide ? kernel.rows : 2 * kernel.rows;
    PackedProduct tile = product;
    tile.b += column * product.depth;
    for (std::int64_t row = 0; row < rows; row += height) {
      tile.a = product.a + row * product.a_row;
      tile.c = product.c + row * product.c_row + column;
      (wide ? kernel.wide : kernel.narrow)(tile);
    }
  }
}

}  // namespace engine::cpu
