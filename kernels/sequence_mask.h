// Which steps of sequences count: masks u8[N, T] of zeros and ones, as recurrent.h takes them.
//
//   sequence_mask   lengths i32[N] -> mask of "steps" T: 1 for the first lengths[n] steps, or for
//                   the last ones (flag "left": padded on the left). A length outside [0, T] counts
//                   as the nearer bound.
//   token_mask      tokens i32[N, T] -> mask: 0 where the token is "padding"
#pragma once

#include <cstdint>

#include "engine/core/host_device.h"
#include "engine/tune/problem.h"

namespace engine {

struct SequenceMask {
  std::int64_t steps;
  bool left;

  static SequenceMask from(const Attributes& attributes) {
    return {attributes.integer("steps"), attributes.flag("left")};
  }
  Attributes to_attributes() const { return Attributes().set("steps", steps).set("left", left); }

  /// Whether a step of a sequence counts.
  ENGINE_HOST_DEVICE bool counts(std::int64_t step, std::int64_t length) const {
    return left ? step >= steps - length : step < length;
  }
};

struct TokenMask {
  std::int64_t padding;

  static TokenMask from(const Attributes& attributes) { return {attributes.integer("padding")}; }
  Attributes to_attributes() const { return Attributes().set_untuned("padding", padding); }
};

}  // namespace engine
