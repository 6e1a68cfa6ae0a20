// gather: data [N, rest...], indices i32[B] -> [B, rest...]: the rows named by the indices,
// converted.
//   u8 or f32 -> f32 or bf16    element * scale + offset (attributes "scale", "offset"), in f32
//   u8 or i32 -> i32            the integer itself (labels); scale 1, offset 0
// Scale and offset are one number each for all elements, or one for each channel: the data's axis
// 1. f32 and bf16 results of rank 3 or more may be channels-last (attribute "layout"); the data is
// row-major. An index outside [0, N) gives a row of zeros (before scale and offset).
#pragma once

#include <cstdint>
#include <vector>

#include "engine/core/host_device.h"
#include "engine/tune/problem.h"

namespace engine {

/// As many scales as offsets, at most Normalization::kMost; as attributes, lists: "0.5,0.25".
struct GatherAttributes {
  std::vector<double> scale{1};
  std::vector<double> offset{0};
  Layout layout = Layout::row_major;  ///< of the result

  static GatherAttributes from(const Attributes& attributes);
  Attributes to_attributes() const;
};

/// The kernel parameter of every back end.
struct Normalization {
  static constexpr std::int32_t kMost = 16;  ///< channels with numbers of their own
  std::int32_t count;                        ///< 1: the same for all
  float scale[kMost], offset[kMost];

  explicit Normalization(const GatherAttributes& attributes);

  ENGINE_HOST_DEVICE float operator()(float element, std::int64_t channel) const {
    const std::int64_t i = count == 1 ? 0 : channel;
    return element * scale[i] + offset[i];
  }
};

}  // namespace engine
