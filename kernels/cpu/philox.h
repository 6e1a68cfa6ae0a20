// Philox on the CPU, many counters at a time.
#pragma once

#include <cstdint>

#include "engine/core/rng.h"

namespace engine::cpu {

inline constexpr int kPhiloxGroup = 64;

/// words[i] = random_word(key, step, 64 * group + i) for 0 <= i < 64.
using PhiloxGroup = void (*)(std::uint32_t* words, std::uint64_t group, RandomKey key,
                             std::uint64_t step);

inline constexpr int kPhiloxColumns = 16;

/// words[w][c] = random_word(key, step, 4 * (first + c * stride) + w) for 0 <= w < 4 and
/// 0 <= c < 16: four neighbours of each of 16 rows, transposed.
using PhiloxColumns = void (*)(std::uint32_t (*words)[kPhiloxColumns], std::uint64_t first,
                               std::uint64_t stride, RandomKey key, std::uint64_t step);

/// The fastest implementations for this machine.
PhiloxGroup philox_group();
PhiloxColumns philox_columns();

}  // namespace engine::cpu
