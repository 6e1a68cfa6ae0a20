// Max pooling of channels-last images, a window at a time: vectors of neighbouring channels stay in
// registers while the window's pixels go by.
#pragma once

#include <array>
#include <cstdint>

#include "engine/core/bfloat16.h"
#include "kernels/pool.h"

namespace engine::cpu {

/// Fewest channels for the functions below, which read and write whole vectors.
inline constexpr std::int64_t kWindowChannels = 16;

/// The pixels that a window meets: offsets of their first channels, and places in the window.
struct WindowPixels {
  std::array<std::int64_t, kNoIndex> offsets;
  std::array<std::uint8_t, kNoIndex> places;
  int count = 0;

  void add(std::int64_t offset, std::int64_t place) {
    offsets[static_cast<std::size_t>(count)] = offset;
    places[static_cast<std::size_t>(count++)] = static_cast<std::uint8_t>(place);
  }
};

/// y[c] and index[c] of max_pool (kernels/pool.h) without drop-out, 0 <= c < channels.
void max_window(const float* x, const WindowPixels& pixels, std::int64_t channels, bool relu,
                float* y, std::uint8_t* index);
void max_window(const bfloat16* x, const WindowPixels& pixels, std::int64_t channels, bool relu,
                bfloat16* y, std::uint8_t* index);

/// dx of the pixels of a window that shares none with another, from its dy[c] and index[c].
void spread_window(const float* dy, const std::uint8_t* index, float scale, std::int64_t channels,
                   const WindowPixels& pixels, float* dx);
void spread_window(const bfloat16* dy, const std::uint8_t* index, float scale,
                   std::int64_t channels, const WindowPixels& pixels, bfloat16* dx);

}  // namespace engine::cpu
