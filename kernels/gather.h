// gather: data [N, rest...], indices i32[B] -> [B, rest...]: the rows named by the indices,
// converted.
//   u8 or f32 -> f32 or bf16    element * scale + offset (attributes "scale", "offset", real), in
//                               f32
//   u8 or i32 -> i32            the integer itself (labels); scale 1, offset 0
// f32 and bf16 results of rank 3 or more may be channels-last (attribute "layout"); the data is
// row-major. An index outside [0, N) gives a row of zeros (before scale and offset).
#pragma once

#include "engine/tune/problem.h"

namespace engine {

struct GatherAttributes {
  double scale = 1;
  double offset = 0;
  Layout layout = Layout::row_major;  ///< of the result

  static GatherAttributes from(const Attributes& attributes);
  Attributes to_attributes() const;
};

}  // namespace engine
