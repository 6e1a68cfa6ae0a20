// Philox on the CPU, many counters at a time.
#pragma once

#include <cstdint>

#include "engine/core/rng.h"

namespace engine::cpu {

inline constexpr int kPhiloxGroup = 64;

/// words[i] = random_word(key, step, 64 * group + i) for 0 <= i < 64.
using PhiloxGroup = void (*)(std::uint32_t* words, std::uint64_t group, RandomKey key,
                             std::uint64_t step);

/// The fastest implementation for this machine.
PhiloxGroup philox_group();

}  // namespace engine::cpu
