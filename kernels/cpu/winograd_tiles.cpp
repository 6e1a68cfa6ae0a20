// Each transform is written once, for any tile and any number of lanes, and compiled for either
// size of tile; which lanes are used is that of the machine's micro-kernel.
#include "kernels/cpu/winograd_tiles.h"

#include <algorithm>

#include "engine/core/error.h"
#include "kernels/cpu/micro_kernel.h"
#include "kernels/cpu/simd.h"
#include "kernels/winograd.h"

namespace engine::cpu {
namespace {

// A one-dimensional transform of `from` values to `to` applied to the columns, then the rows, of a
// square of V: load(value, i, j) gets an element, store(value, i, j) takes one of the result. Only
// a column or a row is in registers at a time; between them a square lies on the stack.
template <int from, int to, class V, class Load, class Store, class Transform>
ENGINE_SIMD_INLINE void transform_tile(const Load& load, const Store& store,
                                       const Transform& transform) {
  V half[to][from];
  ENGINE_UNROLL for (int j = 0; j < from; ++j) {
    V column[from], image[to];
    ENGINE_UNROLL for (int i = 0; i < from; ++i) load(column[i], i, j);
    transform(column, image);
    ENGINE_UNROLL for (int i = 0; i < to; ++i) half[i][j] = image[i];
  }
  ENGINE_UNROLL for (int i = 0; i < to; ++i) {
    V row[to];
    transform(half[i], row);
    ENGINE_UNROLL for (int j = 0; j < to; ++j) store(row[j], i, j);
  }
}

#define ENGINE_TRANSFORM(name)                                         \
  [](const auto& before, auto& after) __attribute__((always_inline)) { \
    Winograd<M>::name::apply(before, after);                           \
  }
// Gets, or takes, element (i, j) of a square.
#define ENGINE_ELEMENT [&](auto& value, int i, int j) __attribute__((always_inline))

template <int M, int lanes>
ENGINE_SIMD_INLINE void data(const float* const* pixels, std::int64_t channels,
                             const PointMatrices& to) {
  constexpr int n = M + 2;
  for (std::int64_t c = 0; c < channels; c += lanes)
    transform_tile<n, n, Lanes<lanes>>(
        ENGINE_ELEMENT { load_lanes(value, pixels[i * n + j] + c); },
        ENGINE_ELEMENT { store_lanes(to.data + (i * n + j) * to.stride + c, value); },
        ENGINE_TRANSFORM(Data));
}

template <int M, int lanes>
ENGINE_SIMD_INLINE void result_gradient(const float* const* pixels, std::int64_t channels,
                                        const PackedLine& to) {
  constexpr int n = M + 2;
  const MicroKernel& kernel = micro_kernel();
  for (std::int64_t c = 0; c < channels; c += lanes) {
    float* target = to.to.data + kernel.packed_offset(to.line, c, to.depth, channels);
    transform_tile<M, n, Lanes<lanes>>(
        ENGINE_ELEMENT { load_lanes(value, pixels[i * M + j] + c); },
        ENGINE_ELEMENT { store_lanes(target + (i * n + j) * to.to.stride, value); },
        ENGINE_TRANSFORM(ResultGradient));
  }
}

template <int M, int lanes>
ENGINE_SIMD_INLINE void result(const PointMatrices& from, const float* bias, bool rectify,
                               std::int64_t channels, float* const* pixels) {
  constexpr int n = M + 2;
  const std::int64_t width = std::min<std::int64_t>(lanes, channels);
  // The last vector ends with the last channel, and repeats some of the one before.
  for (std::int64_t done = 0; done < channels; done += lanes) {
    const std::int64_t c = std::min(done, channels - width);
    Lanes<lanes> b{};
    if (bias != nullptr) {
      float some[lanes] = {};
      for (std::int64_t k = 0; k < width; ++k) some[k] = bias[c + k];
      load_lanes(b, some);
    }
    transform_tile<n, M, Lanes<lanes>>(
        ENGINE_ELEMENT { load_lanes(value, from.data + (i * n + j) * from.stride + c); },
        ENGINE_ELEMENT {
          float* pixel = pixels[i * M + j];
          if (pixel == nullptr) return;
          value += b;
          if (rectify) value = value <= 0.0f ? Lanes<lanes>{} : value;
          if (width == lanes)
            store_lanes(pixel + c, value);
          else
            for (std::int64_t k = 0; k < width; ++k) pixel[k] = value[k];
        },
        ENGINE_TRANSFORM(Result));
  }
}

template <int M, int lanes>
ENGINE_SIMD_INLINE void filter(const FilterView& view, const PackedLine& to) {
  constexpr int n = M + 2;
  const MicroKernel& kernel = micro_kernel();
  for (std::int64_t k = 0; k < view.y_channels; k += lanes) {
    float* target = to.to.data + kernel.packed_offset(to.line, k, to.depth, view.y_channels);
    const float* source = view.data + to.line * view.x_stride + k * view.y_stride;
    const std::int64_t width = std::min<std::int64_t>(lanes, view.y_channels - k);
    float taps[9][lanes] = {};
    for (std::int64_t lane = 0; lane < width; ++lane)
      for (int r = 0; r < 9; ++r)
        taps[view.rotated ? 8 - r : r][lane] = source[lane * view.y_stride + r];
    transform_tile<3, n, Lanes<lanes>>(
        ENGINE_ELEMENT { load_lanes(value, taps[3 * i + j]); },
        ENGINE_ELEMENT {
          value /= Winograd<M>::divisor(i) * Winograd<M>::divisor(j);
          store_lanes(target + (i * n + j) * to.to.stride, value);
        },
        ENGINE_TRANSFORM(Filter));
  }
}

template <int M, int lanes>
ENGINE_SIMD_INLINE void filter_gradient(const PointMatrices& from, std::int64_t channels, float* dw,
                                        std::int64_t channel_stride) {
  constexpr int n = M + 2;
  for (std::int64_t k = 0; k < channels; k += lanes) {
    float taps[9][lanes];
    transform_tile<n, 3, Lanes<lanes>>(
        ENGINE_ELEMENT { load_lanes(value, from.data + (i * n + j) * from.stride + k); },
        ENGINE_ELEMENT {
          value /= Winograd<M>::kDivisor * Winograd<M>::kDivisor;
          store_lanes(taps[3 * i + j], value);
        },
        ENGINE_TRANSFORM(FilterGradient));
    for (std::int64_t lane = 0; lane < std::min<std::int64_t>(lanes, channels - k); ++lane)
      for (int r = 0; r < 9; ++r) dw[(k + lane) * channel_stride + r] = taps[r][lane];
  }
}

#undef ENGINE_ELEMENT
#undef ENGINE_TRANSFORM

// A transform by its name, size of tile and arguments, in the lanes of this machine.
#define ENGINE_BY_LANES(name, M, ...) \
  if (micro_kernel().lanes == 16)     \
    name<M, 16>(__VA_ARGS__);         \
  else                                \
    name<M, 8>(__VA_ARGS__)

#define ENGINE_TILES(M)                                                                          \
  ENGINE_SIMD_CLONES void data_##M(const float* const* pixels, std::int64_t channels,            \
                                   const PointMatrices& to) {                                    \
    ENGINE_BY_LANES(data, M, pixels, channels, to);                                              \
  }                                                                                              \
  ENGINE_SIMD_CLONES void result_gradient_##M(const float* const* pixels, std::int64_t channels, \
                                              const PackedLine& to) {                            \
    ENGINE_BY_LANES(result_gradient, M, pixels, channels, to);                                   \
  }                                                                                              \
  ENGINE_SIMD_CLONES void result_##M(const PointMatrices& from, const float* bias, bool rectify, \
                                     std::int64_t channels, float* const* pixels) {              \
    ENGINE_BY_LANES(result, M, from, bias, rectify, channels, pixels);                           \
  }                                                                                              \
  ENGINE_SIMD_CLONES void filter_##M(const FilterView& view, const PackedLine& to) {             \
    ENGINE_BY_LANES(filter, M, view, to);                                                        \
  }                                                                                              \
  ENGINE_SIMD_CLONES void filter_gradient_##M(const PointMatrices& from, std::int64_t channels,  \
                                              float* dw, std::int64_t channel_stride) {          \
    ENGINE_BY_LANES(filter_gradient, M, from, channels, dw, channel_stride);                     \
  }                                                                                              \
  constexpr WinogradTiles tiles_##M {                                                            \
    M, (M + 2) * (M + 2), data_##M, result_gradient_##M, result_##M, filter_##M,                 \
        filter_gradient_##M                                                                      \
  }

ENGINE_TILES(2);
ENGINE_TILES(4);

#undef ENGINE_TILES
#undef ENGINE_BY_LANES

}  // namespace

const WinogradTiles& winograd_tiles(int size) {
  ENGINE_CHECK(size == 2 || size == 4, "Winograd's tiles have 2 x 2 or 4 x 4 results");
  return size == 2 ? tiles_2 : tiles_4;
}

}  // namespace engine::cpu
