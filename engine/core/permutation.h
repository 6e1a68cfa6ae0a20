// A keyed pseudo-random permutation of [0, n), computed element by element, so that an epoch's
// shuffle needs neither memory nor a generator's state: a balanced Feistel network over the
// smallest even number of bits that covers n, with cycle walking back into the range (Black and
// Rogaway, "Ciphers with arbitrary finite domains", CT-RSA 2002).
#pragma once

#include <cstdint>

#include "engine/core/host_device.h"
#include "engine/core/rng.h"

namespace engine {

/// The image of `index` under the permutation of [0, count) chosen by (key, epoch).
/// Requires 0 <= index < count <= 2^62. The walk takes fewer than 4 rounds on average.
ENGINE_HOST_DEVICE std::uint64_t permute(std::uint64_t index, std::uint64_t count, RandomKey key,
                                         std::uint64_t epoch) {
  int half_bits = 1;
  while ((std::uint64_t{1} << (2 * half_bits)) < count) ++half_bits;
  const std::uint64_t mask = (std::uint64_t{1} << half_bits) - 1;
  do {
    std::uint64_t left = index >> half_bits;
    std::uint64_t right = index & mask;
    for (std::uint64_t round = 0; round < 6; ++round) {
      const Random4 random = philox(key, right | round << 56, epoch);
      const std::uint64_t word = random.word[0] | std::uint64_t{random.word[1]} << 32;
      const std::uint64_t next = left ^ (word & mask);
      left = right;
      right = next;
    }
    index = left << half_bits | right;
  } while (index >= count);
  return index;
}

}  // namespace engine
