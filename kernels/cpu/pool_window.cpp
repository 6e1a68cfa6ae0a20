#include "kernels/cpu/pool_window.h"

#include <algorithm>
#include <limits>

#include "kernels/cpu/simd.h"

namespace engine::cpu {
namespace {

constexpr int kLanes = kWindowChannels;

// Calls body(first channel) for whole vectors; the last one may repeat channels of the one before.
template <class Body>
ENGINE_SIMD_INLINE void for_each_vector(std::int64_t channels, const Body& body) {
  for (std::int64_t c = 0; c + kLanes < channels; c += kLanes) body(c);
  body(channels - kLanes);
}

// Plain loops over lanes: comparisons of vector types are not compiled to vectors by g++ 12 in
// clones.

// Of a larger one and of the first NaN.
template <class T>
ENGINE_SIMD_INLINE void take_larger(const T* x, std::int32_t at, float* best, std::int32_t* place) {
  ENGINE_LANE_LOOP
  for (int i = 0; i < kLanes; ++i) {
    const float value = x[i], old = best[i];
    const bool take = !(value <= old) & (old == old);
    best[i] = take ? value : old;
    place[i] = take ? at : place[i];
  }
}

template <class T>
ENGINE_SIMD_INLINE void max_of(const T* x, const WindowPixels& pixels, std::int64_t channels,
                               bool relu, T* y, std::uint8_t* index) {
  if (pixels.count == 0) {
    std::fill_n(y, channels, T(relu ? 0.0f : -std::numeric_limits<float>::infinity()));
    std::fill_n(index, channels, static_cast<std::uint8_t>(kNoIndex));
    return;
  }
  for_each_vector(
      channels, [&](std::int64_t c) __attribute__((always_inline)) {
        alignas(64) float best[kLanes];
        alignas(64) std::int32_t place[kLanes];
        const T* first = x + pixels.offsets[0] + c;
        ENGINE_LANE_LOOP
        for (int i = 0; i < kLanes; ++i) best[i] = first[i];
        ENGINE_LANE_LOOP
        for (int i = 0; i < kLanes; ++i) place[i] = pixels.places[0];
        for (int e = 1; e < pixels.count; ++e)
          take_larger(x + pixels.offsets[static_cast<std::size_t>(e)] + c,
                      pixels.places[static_cast<std::size_t>(e)], best, place);
        if (relu) {
          ENGINE_LANE_LOOP
          for (int i = 0; i < kLanes; ++i) {
            place[i] = best[i] > 0 ? place[i] : kNoIndex;
            best[i] = best[i] <= 0 ? 0.0f : best[i];
          }
        }
        ENGINE_LANE_LOOP
        for (int i = 0; i < kLanes; ++i) index[c + i] = static_cast<std::uint8_t>(place[i]);
        ENGINE_LANE_LOOP
        for (int i = 0; i < kLanes; ++i) y[c + i] = T(best[i]);
      });
}

template <class T>
ENGINE_SIMD_INLINE void spread(const T* dy, const std::uint8_t* index, float scale,
                               std::int64_t channels, const WindowPixels& pixels, T* dx) {
  for_each_vector(
      channels, [&](std::int64_t c) __attribute__((always_inline)) {
        alignas(64) float gradient[kLanes];
        alignas(64) std::int32_t place[kLanes];
        ENGINE_LANE_LOOP
        for (int i = 0; i < kLanes; ++i) {
          gradient[i] = static_cast<float>(dy[c + i]) * scale;
          place[i] = index[c + i];
        }
        for (int e = 0; e < pixels.count; ++e) {
          T* to = dx + pixels.offsets[static_cast<std::size_t>(e)] + c;
          const std::int32_t here = pixels.places[static_cast<std::size_t>(e)];
          ENGINE_LANE_LOOP
          for (int i = 0; i < kLanes; ++i) to[i] = T(place[i] == here ? gradient[i] : 0.0f);
        }
      });
}

}  // namespace

#define ENGINE_WINDOWS(T)                                                                    \
  ENGINE_SIMD_CLONES void max_window(const T* x, const WindowPixels& pixels,                 \
                                     std::int64_t channels, bool relu, T* y,                 \
                                     std::uint8_t* index) {                                  \
    max_of(x, pixels, channels, relu, y, index);                                             \
  }                                                                                          \
  ENGINE_SIMD_CLONES void spread_window(const T* dy, const std::uint8_t* index, float scale, \
                                        std::int64_t channels, const WindowPixels& pixels,   \
                                        T* dx) {                                             \
    spread(dy, index, scale, channels, pixels, dx);                                          \
  }
ENGINE_WINDOWS(float)
ENGINE_WINDOWS(bfloat16)
#undef ENGINE_WINDOWS

}  // namespace engine::cpu
