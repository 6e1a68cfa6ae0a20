// Drop-out as kernels apply it: the mask is recomputed from (key, step, element), never stored.
#pragma once

#include "engine/device/cuda/port.h"
#include "kernels/dropout.h"

namespace engine::cuda {

/// Kernel parameter of a drop-out. An absent one (no step) leaves values as they are.
struct DropoutMask {
  const std::int64_t* step = nullptr;
  RandomKey key;
  std::uint32_t threshold = 0;
  float scale = 1.0f;

  static DropoutMask of(const DropoutAttributes& attributes, const std::int64_t* step) {
    return {step, attributes.key, attributes.threshold(), attributes.scale()};
  }

  __device__ float keep(float value, std::uint32_t word) const {
    return word >= threshold ? value * scale : 0.0f;
  }
  __device__ float apply(float value, std::uint64_t element) const {
    if (step == nullptr) return value;
    const Random4 random = philox(key, element / 4, static_cast<std::uint64_t>(*step));
    // Chosen by comparison: an array indexed at run time would live in local memory.
    std::uint32_t word = random.word[0];
#pragma unroll
    for (std::uint32_t i = 1; i < 4; ++i)
      if (element % 4 == i) word = random.word[i];
    return keep(value, word);
  }
  /// Four neighbours from a multiple of four on, for one Philox call.
  __device__ float4 apply(float4 value, std::uint64_t first) const {
    if (step == nullptr) return value;
    const Random4 random = philox(key, first / 4, static_cast<std::uint64_t>(*step));
    return make_float4(keep(value.x, random.word[0]), keep(value.y, random.word[1]),
                       keep(value.z, random.word[2]), keep(value.w, random.word[3]));
  }
};

}  // namespace engine::cuda
