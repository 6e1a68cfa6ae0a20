// Winograd's transforms of 3 x 3 convolutions over tiles of M x M outputs, after Lavin and Gray,
// "Fast algorithms for convolutional neural networks", CVPR 2016, at the points 0, 1, -1 (, 2, -2)
// and infinity: y = Aᵀ((G w Gᵀ) ⊙ (Bᵀ x B))A. The gradient of w transposes the outer two: dw =
// Gᵀ((A dy Aᵀ) ⊙ (Bᵀ x B))G. G is used as whole numbers, and what it is divided by comes last: of
// numbers that are multiples of that, every result is exact.
//
// Here the transforms are in one dimension, of a vector type that channels fill.
#pragma once

#include <array>

#include "kernels/cpu/simd.h"

namespace engine::cpu {

template <int M>
struct Winograd;

template <>
struct Winograd<2> {
  static constexpr int kPoints = 4;
  static constexpr std::array<float, kPoints> kDivisors{1, 2, 2, 1};
  static constexpr float kDivisor = 2;  ///< of all points

  template <class V>
  ENGINE_SIMD_INLINE static void data(const V (&d)[4], V (&to)[4]) {  // Bᵀ
    to[0] = d[0] - d[2];
    to[1] = d[1] + d[2];
    to[2] = d[2] - d[1];
    to[3] = d[3] - d[1];
  }
  template <class V>
  ENGINE_SIMD_INLINE static void result(const V (&m)[4], V (&to)[2]) {  // Aᵀ
    to[0] = m[0] + m[1] + m[2];
    to[1] = m[1] - m[2] + m[3];
  }
  template <class V>
  ENGINE_SIMD_INLINE static void result_gradient(const V (&y)[2], V (&to)[4]) {  // A
    to[0] = y[0];
    to[1] = y[0] + y[1];
    to[2] = y[0] - y[1];
    to[3] = y[1];
  }
  template <class V>
  ENGINE_SIMD_INLINE static void filter(const V (&g)[3], V (&to)[4]) {  // kDivisors · G
    const V even = g[0] + g[2];
    to[0] = g[0];
    to[1] = even + g[1];
    to[2] = even - g[1];
    to[3] = g[2];
  }
  template <class V>
  ENGINE_SIMD_INLINE static void filter_gradient(const V (&m)[4], V (&to)[3]) {  // kDivisor · Gᵀ
    const V even = m[1] + m[2];
    to[0] = 2 * m[0] + even;
    to[1] = m[1] - m[2];
    to[2] = even + 2 * m[3];
  }
};

template <>
struct Winograd<4> {
  static constexpr int kPoints = 6;
  static constexpr std::array<float, kPoints> kDivisors{4, -6, -6, 24, 24, 1};
  static constexpr float kDivisor = 24;

  template <class V>
  ENGINE_SIMD_INLINE static void data(const V (&d)[6], V (&to)[6]) {
    const V a = d[4] - 4 * d[2], b = d[3] - 4 * d[1];
    const V c = d[4] - d[2], e = 2 * (d[3] - d[1]);
    to[0] = 4 * d[0] - 5 * d[2] + d[4];
    to[1] = a + b;
    to[2] = a - b;
    to[3] = c + e;
    to[4] = c - e;
    to[5] = 4 * d[1] - 5 * d[3] + d[5];
  }
  template <class V>
  ENGINE_SIMD_INLINE static void result(const V (&m)[6], V (&to)[4]) {
    const V a = m[1] + m[2], b = m[1] - m[2], c = m[3] + m[4], d = m[3] - m[4];
    to[0] = m[0] + a + c;
    to[1] = b + 2 * d;
    to[2] = a + 4 * c;
    to[3] = b + 8 * d + m[5];
  }
  template <class V>
  ENGINE_SIMD_INLINE static void result_gradient(const V (&y)[4], V (&to)[6]) {
    const V a = y[0] + y[2], b = y[1] + y[3], c = y[0] + 4 * y[2], d = 2 * y[1] + 8 * y[3];
    to[0] = y[0];
    to[1] = a + b;
    to[2] = a - b;
    to[3] = c + d;
    to[4] = c - d;
    to[5] = y[3];
  }
  template <class V>
  ENGINE_SIMD_INLINE static void filter(const V (&g)[3], V (&to)[6]) {
    const V a = g[0] + g[2], b = g[0] + 4 * g[2], c = 2 * g[1];
    to[0] = g[0];
    to[1] = a + g[1];
    to[2] = a - g[1];
    to[3] = b + c;
    to[4] = b - c;
    to[5] = g[2];
  }
  template <class V>
  ENGINE_SIMD_INLINE static void filter_gradient(const V (&m)[6], V (&to)[3]) {
    const V a = m[1] + m[2], b = m[1] - m[2], c = m[3] + m[4], d = m[3] - m[4];
    to[0] = 6 * m[0] - 4 * a + c;
    to[1] = 2 * d - 4 * b;
    to[2] = 4 * (c - a) + 24 * m[5];
  }
};

}  // namespace engine::cpu
