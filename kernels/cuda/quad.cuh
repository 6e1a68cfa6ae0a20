// Four neighbouring elements of f32 or bf16 as one memory access, and their values as floats.
#pragma once

#include <bit>
#include <cstdint>

#include "engine/core/bfloat16.h"
#include "kernels/cuda/common.cuh"

namespace engine::cuda {

/// What four elements of T are loaded as.
template <class T>
struct QuadOf;
template <>
struct QuadOf<float> {
  using Type = float4;
};
template <>
struct QuadOf<bfloat16> {
  using Type = uint2;
};
template <class T>
using Quad = typename QuadOf<T>::Type;

__device__ inline float4 to_floats(float4 quad) {
  return quad;
}
__device__ inline float4 to_floats(uint2 quad) {
  return make_float4(std::bit_cast<float>(quad.x << 16), std::bit_cast<float>(quad.x & 0xffff0000u),
                     std::bit_cast<float>(quad.y << 16),
                     std::bit_cast<float>(quad.y & 0xffff0000u));
}

template <class T>
__device__ Quad<T> load_quad(const T* x) {
  return *reinterpret_cast<const Quad<T>*>(x);
}

/// kWidth neighbours, 1 or 4.
template <int kWidth, class T>
__device__ void load_floats(const T* from, float (&to)[kWidth]) {
  if constexpr (kWidth == 4) {
    const float4 quad = to_floats(load_quad(from));
    to[0] = quad.x;
    to[1] = quad.y;
    to[2] = quad.z;
    to[3] = quad.w;
  } else {
    to[0] = static_cast<float>(*from);
  }
}

__device__ inline void store_floats(float* y, float4 v) {
  *reinterpret_cast<float4*>(y) = v;
}
__device__ inline std::uint32_t pack(float low, float high) {
  return bfloat16(low).bits | std::uint32_t{bfloat16(high).bits} << 16;
}
__device__ inline void store_floats(bfloat16* y, float4 v) {
  *reinterpret_cast<uint2*>(y) = make_uint2(pack(v.x, v.y), pack(v.z, v.w));
}

}  // namespace engine::cuda
