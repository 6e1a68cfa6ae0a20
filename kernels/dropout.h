// Drop-out: x f32[...] or bf16[...] in any layout, step i64[] -> y of x's type, computed in f32.
// Element e, by its row-major number, survives when random_word(key, step, e) >=
// dropout_threshold(rate) and is then divided by (1 - rate); the gradient is the same op with the
// same key applied to dy. y may be x.
#pragma once

#include <cstdint>

#include "engine/core/rng.h"
#include "engine/tune/problem.h"

namespace engine {

/// Attributes "rate" (real, in [0, 1)) and, outside the problem key, "key" (integer: high << 32 |
/// low).
struct DropoutAttributes {
  double rate = 0;
  RandomKey key;

  static DropoutAttributes from(const Attributes& attributes);
  void add_to(Attributes& attributes) const;
  float scale() const { return static_cast<float>(1.0 / (1.0 - rate)); }
  std::uint32_t threshold() const { return dropout_threshold(rate); }
};

/// A RandomKey as an integer attribute, and back.
std::int64_t pack_key(RandomKey key);
RandomKey unpack_key(std::int64_t packed);

}  // namespace engine
