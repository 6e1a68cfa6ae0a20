// Counter-based random numbers: Philox-4x32-10 (Salmon, Moraes, Dror, Shaw, "Parallel random
// numbers: as easy as 1, 2, 3", SC 2011). A draw depends on (seed, name, step, element) alone, so
// masks and shuffles are bit-identical on every back end, whatever passes ran, and no generator
// state is stored.
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/core/host_device.h"

namespace engine {

/// Identifies one stream of random numbers.
struct RandomKey {
  std::uint32_t low = 0;
  std::uint32_t high = 0;
};

/// Four 32-bit words: a counter, or the output of one Philox call.
struct Random4 {
  std::uint32_t word[4];
};

/// The key of the stream called `name` in a run with `seed`.
RandomKey random_key(std::uint64_t seed, std::string_view name);

ENGINE_HOST_DEVICE void philox_round(Random4& c, RandomKey k) {
  const std::uint64_t p0 = std::uint64_t{0xD2511F53u} * c.word[0];
  const std::uint64_t p1 = std::uint64_t{0xCD9E8D57u} * c.word[2];
  c = {{static_cast<std::uint32_t>(p1 >> 32) ^ c.word[1] ^ k.low, static_cast<std::uint32_t>(p1),
        static_cast<std::uint32_t>(p0 >> 32) ^ c.word[3] ^ k.high, static_cast<std::uint32_t>(p0)}};
}

/// The four words for counter (block, step).
ENGINE_HOST_DEVICE Random4 philox(RandomKey key, std::uint64_t block, std::uint64_t step) {
  Random4 c{{static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(block >> 32),
             static_cast<std::uint32_t>(step), static_cast<std::uint32_t>(step >> 32)}};
  for (int round = 0; round < 10; ++round) {
    philox_round(c, key);
    key.low += 0x9E3779B9u;
    key.high += 0xBB67AE85u;
  }
  return c;
}

/// Element i of the stream at `step`: word i mod 4 of block i / 4.
ENGINE_HOST_DEVICE std::uint32_t random_word(RandomKey key, std::uint64_t step, std::uint64_t i) {
  return philox(key, i / 4, step).word[i % 4];
}

/// Drop-out keeps an element when its random word is at least this: P(drop) = rate, to within
/// 2^-32. `rate` in [0, 1).
ENGINE_HOST_DEVICE std::uint32_t dropout_threshold(double rate) {
  return static_cast<std::uint32_t>(rate * 4294967296.0);
}

/// Uniform in [0, 1) with 24 bits.
ENGINE_HOST_DEVICE float uniform_from_word(std::uint32_t word) {
  return static_cast<float>(word >> 8) * (1.0f / 16777216.0f);
}

}  // namespace engine
