// The 16-bit brain floating-point format: the upper half of an IEEE single, so 8 bits of exponent
// and 7 of mantissa. A storage type: arithmetic happens in float.
#pragma once

#include <cstdint>
#include <cstring>

#include "engine/core/host_device.h"

namespace engine {

struct bfloat16 {
  std::uint16_t bits;

  bfloat16() = default;
  /// Rounds to nearest, ties to even; NaN stays a (quiet) NaN.
  ENGINE_HOST_DEVICE explicit bfloat16(float value) {
    std::uint32_t word;
    std::memcpy(&word, &value, sizeof word);
    const bool is_nan = (word & 0x7fffffffu) > 0x7f800000u;
    const std::uint32_t rounded = word + 0x7fffu + ((word >> 16) & 1u);
    bits = static_cast<std::uint16_t>((is_nan ? word | 0x400000u : rounded) >> 16);
  }
  template <class T>
  ENGINE_HOST_DEVICE explicit bfloat16(T value) : bfloat16(static_cast<float>(value)) {}
  ENGINE_HOST_DEVICE operator float() const {
    const std::uint32_t word = std::uint32_t{bits} << 16;
    float value;
    std::memcpy(&value, &word, sizeof value);
    return value;
  }
};

}  // namespace engine
