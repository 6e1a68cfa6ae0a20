// How parameters start. Weights are drawn on the host and uploaded, so that every device starts
// from the same bits.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/core/rng.h"

namespace engine {

struct Initializer {
  enum class Kind { zeros, glorot_uniform };
  Kind kind = Kind::zeros;

  static Initializer zeros() { return {Kind::zeros}; }
  /// Uniform in ±sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio, AISTATS 2010).
  static Initializer glorot_uniform() { return {Kind::glorot_uniform}; }
};

/// `count` elements; element i depends on `key` and i alone. The fans are those of the layer.
std::vector<float> draw(const Initializer& initializer, std::int64_t count, std::int64_t fan_in,
                        std::int64_t fan_out, RandomKey key);

}  // namespace engine
