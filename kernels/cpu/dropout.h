// Drop-out over a range of elements, shared by the dropout kernel and the epilogues of products.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/cpu/philox.h"
#include "kernels/dropout.h"

namespace engine::cpu {

/// y[i] = survives(first + i) ? x[i] * scale : 0 for 0 <= i < count, where `first` is a multiple of
/// 64; with `rectify` x[i] goes through ReLU first. y may be x.
void dropout_range(const float* x, float* y, std::int64_t first, std::int64_t count,
                   const DropoutAttributes& attributes, std::uint64_t step, bool rectify);

/// The same over `count` positions of a channels-last tensor of so many `channels`, from the flat
/// position `first` = n * positions + p on, where `positions` are those of an observation. Elements
/// are drawn by their row-major number, (n * channels + channel) * positions + p. x and y point to
/// the first of the positions; y may be x.
void dropout_channels_last(const float* x, float* y, std::int64_t first, std::int64_t count,
                           std::int64_t channels, std::int64_t positions,
                           const DropoutAttributes& attributes, std::uint64_t step, bool rectify);

/// Channels of a tile: up to 64 positions of one observation by so many channels.
inline constexpr std::int64_t kTileChannels = kPhiloxColumns;

/// words[p][c] = the random word of element first + c * positions + p, of `count` positions and
/// `channels` channels; further words may be written, up to a multiple of 4 positions. Where all
/// channels start at a multiple of 4 they are drawn together, else one by one.
void draw_tile(std::uint32_t (*words)[kTileChannels], std::int64_t first, std::int64_t count,
               std::int64_t channels, std::int64_t positions, RandomKey key, std::uint64_t step);

/// Calls body(at, words, width) for all elements of `count` positions of a channels-last tensor, in
/// rows of `width` neighbouring channels with their words; `at` counts elements from position
/// `first` on, and the rest is as for dropout_channels_last().
template <class Body>
void for_each_drawn_row(std::int64_t first, std::int64_t count, std::int64_t channels,
                        std::int64_t positions, RandomKey key, std::uint64_t step,
                        const Body& body) {
  alignas(64) std::uint32_t words[kPhiloxGroup][kTileChannels];
  for (std::int64_t done = 0, part; done < count; done += part) {
    const std::int64_t observation = (first + done) / positions, p = (first + done) % positions;
    part = std::min({count - done, positions - p, kPhiloxGroup - p % kPhiloxGroup});
    for (std::int64_t c = 0; c < channels; c += kTileChannels) {
      const std::int64_t width = std::min(kTileChannels, channels - c);
      const std::int64_t element = (observation * channels + c) * positions + p;
      draw_tile(words, element, part, width, positions, key, step);
      for (std::int64_t i = 0; i < part; ++i) body((done + i) * channels + c, words[i], width);
    }
  }
}

}  // namespace engine::cpu
