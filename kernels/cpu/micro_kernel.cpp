// A tile of c fills most of the registers: 6 x 16 floats are 12 of the 16 of AVX2, 12 x 32 are 24
// of the 32 of AVX-512. Of its columns 8 (16) are computed where no more are left, with twice the
// rows, so that as many sums hide the latency of an addition. Lower tiles take the rows that are
// left.
#include "kernels/cpu/micro_kernel.h"

#include <algorithm>
#include <cstring>

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
  const std::int64_t b_row = p.b_row != 0 ? p.b_row : vectors * lanes;
  for (std::int64_t d = 0; d < p.depth; ++d, a += a_depth, b += b_row) {
    Vector line[vectors];
    for (int v = 0; v < vectors; ++v) load_lanes(line[v], b + v * lanes);
    for (int r = 0; r < rows; ++r)
      for (int v = 0; v < vectors; ++v) sums[r][v] += a[r * a_row] * line[v];
  }
  ENGINE_UNROLL for (int r = 0; r < rows; ++r) ENGINE_UNROLL for (int v = 0; v < vectors; ++v) {
    float* to = p.c + r * p.c_row + v * lanes;
    Vector sum{};
    if (p.add)
      load_lanes(sum, to);
    else if (p.start != nullptr)
      load_lanes(sum, p.start + v * lanes);
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

#define ENGINE_TILE(lanes, rows, vectors)                                             \
  ENGINE_SIMD_CLONES void tile_##lanes##_##rows##_##vectors(const PackedProduct& p) { \
    run_any<lanes, rows, vectors>(p);                                                 \
  }
#define ENGINE_TILES(lanes, vectors, a, b, c, d)                                               \
  ENGINE_TILE(lanes, a, vectors)                                                               \
  ENGINE_TILE(lanes, b, vectors)                                                               \
  ENGINE_TILE(lanes, c, vectors)                                                               \
  ENGINE_TILE(lanes, d, vectors)                                                               \
  constexpr MicroKernel::Tiles tiles_##lanes##_##vectors{{{a, tile_##lanes##_##a##_##vectors}, \
                                                          {b, tile_##lanes##_##b##_##vectors}, \
                                                          {c, tile_##lanes##_##c##_##vectors}, \
                                                          {d, tile_##lanes##_##d##_##vectors}}};
ENGINE_TILES(8, 2, 1, 2, 4, 6)
ENGINE_TILES(8, 1, 2, 4, 8, 12)
ENGINE_TILES(16, 2, 2, 4, 8, 12)
ENGINE_TILES(16, 1, 4, 8, 16, 24)
#undef ENGINE_TILES
#undef ENGINE_TILE

// Whole registers are copied in a known size: a call for each would take longer than the copy.
template <int lanes>
void pack_line_of(const float* line, std::int64_t index, std::int64_t depth, std::int64_t columns,
                  float* to) {
  for (std::int64_t k = 0; k < columns; k += lanes) {
    float* target = to + micro_kernel().packed_offset(index, k, depth, columns);
    if (line != nullptr && columns - k >= lanes) {
      std::memcpy(target, line + k, lanes * sizeof(float));
      continue;
    }
    float* end = target;
    if (line != nullptr) end = std::copy_n(line + k, columns - k, target);
    std::fill(end, target + lanes, 0.0f);
  }
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
  static const MicroKernel kernel = has_avx512() ? MicroKernel{16, 12, tiles_16_2, tiles_16_1}
                                                 : MicroKernel{8, 6, tiles_8_2, tiles_8_1};
  return kernel;
}

void pack_line(const float* line, std::int64_t index, std::int64_t depth, std::int64_t columns,
               float* to) {
  if (micro_kernel().lanes == 16)
    pack_line_of<16>(line, index, depth, columns, to);
  else
    pack_line_of<8>(line, index, depth, columns, to);
}

void multiply_panel(const PackedProduct& product, std::int64_t rows, std::int64_t columns,
                    std::int64_t panel) {
  const MicroKernel& kernel = micro_kernel();
  const bool wide = kernel.panel_width(panel, columns) > kernel.lanes;
  const MicroKernel::Tiles& tiles = wide ? kernel.wide : kernel.narrow;
  PackedProduct part = product;
  part.b += product.b_row != 0 ? panel : panel * product.depth;
  if (product.start != nullptr) part.start += panel;
  for (std::int64_t row = 0; row < rows;) {
    part.a = product.a + row * product.a_row;
    part.c = product.c + row * product.c_row + panel;
    const auto tile = std::find_if(tiles.begin(), tiles.end() - 1,
                                   [&](const auto& each) { return each.rows >= rows - row; });
    tile->run(part);
    row += tile->rows;
  }
}

void multiply_packed(const PackedProduct& product, std::int64_t rows, std::int64_t columns) {
  for (std::int64_t panel = 0; panel < columns; panel += 2 * micro_kernel().lanes)
    multiply_panel(product, rows, columns, panel);
}

}  // namespace engine::cpu
