// augment: x [B, C, H, W] of u8, f32 or bf16, step i64[] -> y of x's type: images moved by a random
// whole number of pixels each way, and mirrored with probability one half. What moves in from
// outside is the nearest pixel of the edge:
//   y[b, c, i, j] = x[b, c, clamp(i + down, 0, H - 1), clamp(j' + right, 0, W - 1)]
// with j' = j, or W - 1 - j where image b is mirrored. down, right and the choice are those of
// draw_augmentation(): they depend on (key, step, b) alone, so that all channels move together.
#pragma once

#include <cstdint>

#include "engine/core/rng.h"
#include "engine/tune/problem.h"

namespace engine {

/// Attributes "shift" (real, in [0, 1): images move by at most this share of their height and of
/// their width), "flip" (flag), and "key" outside the problem key.
struct AugmentAttributes {
  double shift = 0;
  bool flip = false;
  RandomKey key;

  static AugmentAttributes from(const Attributes& attributes);
  Attributes to_attributes() const;
  /// The most pixels of `extent` to move by, each way.
  std::int32_t most(std::int64_t extent) const;
};

/// The kernel parameter of every back end.
struct Augmentation {
  RandomKey key;
  bool flip;
  std::int32_t height, width;
  std::int32_t most_down, most_right;

  Augmentation(const AugmentAttributes& attributes, const Shape& images);
};

struct AugmentDraw {
  std::int32_t down, right;
  bool mirrored;
};

/// What happens to image `row` of the batch at `step`: shifts uniform in [-most, most].
ENGINE_HOST_DEVICE AugmentDraw draw_augmentation(const Augmentation& a, std::uint64_t step,
                                                 std::uint64_t row) {
  const Random4 random = philox(a.key, row, step);
  // The high half of word · (2 most + 1) is uniform below 2 most + 1, to within 2^-32 of each.
  const auto offset = [](std::uint32_t word, std::int32_t most) {
    const auto choices = static_cast<std::uint64_t>(2 * std::int64_t{most} + 1);
    return static_cast<std::int32_t>(static_cast<std::int64_t>(word * choices >> 32) - most);
  };
  return {offset(random.word[0], a.most_down), offset(random.word[1], a.most_right),
          a.flip && random.word[2] >> 31 != 0};
}

/// `position` brought into [0, extent).
ENGINE_HOST_DEVICE std::int32_t nearest_inside(std::int32_t position, std::int32_t extent) {
  return position < 0 ? 0 : position < extent ? position : extent - 1;
}

}  // namespace engine
