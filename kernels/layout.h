// to_layout: x [N, C, S...] of f32 or bf16 in either layout -> y, the same elements stored in the
// layout that the attribute "layout" names. Between the two, an observation is a matrix [C, S] that
// is transposed.
#pragma once

#include <algorithm>

#include "engine/core/tensor.h"

namespace engine {

/// An observation of a channels-last tensor: `positions` rows of `channels` neighbours.
struct ImageExtents {
  std::int64_t batch, channels, positions;

  static ImageExtents of(const TensorType& x) {
    return {x.shape[0], x.shape[1], x.shape.elements_after(1)};
  }
  std::int64_t size() const { return channels * positions; }
  std::int64_t count() const { return batch * size(); }
};

}  // namespace engine
