// The real functions that element-wise kernels are written in, in f64 and f32, for three users: the
// references (C library, double), CUDA kernels (device library) and the CPU's SIMD loops, which a
// call into the C library would keep from vectorizing. Those run the branch-free f32 forms below.
//
// Errors of the f32 forms are at most 3 units in the last place of the result; in the lower tail of
// normal_cdf 6 + x² / 2 of them, where a change of x by half a unit makes a change of that size.
// Results below the normal range are 0. NaN gives NaN. (tests/kernels/real_functions_test holds
// this.)
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "engine/core/host_device.h"

namespace engine::real {

namespace approximate {

// x = n·ln 2 + rest with |rest| <= ln 2 / 2 (Cody and Waite: ln 2 in two parts, so that the rest is
// exact to f32). `shifted` holds the integer n in its low bits.
struct Reduced {
  float rest;
  std::uint32_t shifted;

  /// 2^(n + offset), 0 where that is below the normal range.
  ENGINE_HOST_DEVICE float power(std::uint32_t offset) const {
    return std::bit_cast<float>((shifted + 127u + offset) << 23);
  }
};

ENGINE_HOST_DEVICE Reduced reduce(float x) {
  constexpr float shifter = 12582912.0f;  // 1.5 · 2^23: adding it rounds to an integer
  const float shifted = x * 1.44269504f + shifter;
  const float n = shifted - shifter;
  const float rest = (x - n * 0.693359375f) - n * -2.12194440e-4f;
  return {rest, std::bit_cast<std::uint32_t>(shifted)};
}

/// (exp(r) - 1 - r) / r² for |r| <= ln 2 / 2: the Taylor series.
ENGINE_HOST_DEVICE float exp_series(float r) {
  float sum = 1.0f / 5040;
  sum = sum * r + 1.0f / 720;
  sum = sum * r + 1.0f / 120;
  sum = sum * r + 1.0f / 24;
  sum = sum * r + 1.0f / 6;
  return sum * r + 0.5f;
}

/// 0 below -87, where the result leaves the normal range. The power is taken in two steps, because
/// 2^128 is no f32.
ENGINE_HOST_DEVICE float exp(float x) {
  const float low = x < -87.0f ? -87.0f : x;
  const Reduced reduced = reduce(low > 89.0f ? 89.0f : low);
  const float r = reduced.rest;
  const float value = (exp_series(r) * r + 1.0f) * r + 1.0f;
  const float result = (value + value) * reduced.power(-1u);
  return x < -87.0f ? 0.0f : result;
}

/// exp(x) - 1 for x <= 0, exact to the last places near 0.
ENGINE_HOST_DEVICE float expm1_nonpositive(float x) {
  const Reduced reduced = reduce(x < -40.0f ? -40.0f : x);
  const float r = reduced.rest, power = reduced.power(0);
  return (exp_series(r) * r * r + r) * power + (power - 1.0f);
}

/// log((1 + s) / (1 - s)) for |s| <= 1/3: twice the series of the inverse hyperbolic tangent.
ENGINE_HOST_DEVICE float log_of_ratio(float s) {
  const float z = s * s;
  float sum = 2.0f / 15;
  sum = sum * z + 2.0f / 13;
  sum = sum * z + 2.0f / 11;
  sum = sum * z + 2.0f / 9;
  sum = sum * z + 2.0f / 7;
  sum = sum * z + 2.0f / 5;
  sum = sum * z + 2.0f / 3;
  return sum * z * s + 2.0f * s;
}

/// x = m·2^k with m in [sqrt(1/2), sqrt(2)): log m = log((1 + s) / (1 - s)), s = (m - 1) / (m + 1).
ENGINE_HOST_DEVICE float log(float x) {
  using Limits = std::numeric_limits<float>;
  const bool tiny = x < Limits::min();
  const auto bits = std::bit_cast<std::uint32_t>(tiny ? x * 8388608.0f : x);
  const std::int32_t exponent = static_cast<std::int32_t>(bits - 0x3f3504f3u) >> 23;
  const float m = std::bit_cast<float>(bits - (static_cast<std::uint32_t>(exponent) << 23));
  const float k = static_cast<float>(exponent) - (tiny ? 23.0f : 0.0f);
  const float fraction = m - 1.0f;
  const float value =
      k * 0.693359375f + (log_of_ratio(fraction / (2.0f + fraction)) + k * -2.12194440e-4f);
  const float above_zero = x > Limits::max() ? x : value;
  const float from_zero = x == 0.0f ? -Limits::infinity() : above_zero;
  return x >= 0.0f ? from_zero : Limits::quiet_NaN();
}

/// The standard normal distribution from its tail, exp(-x²/2) times a polynomial in
/// 1 / (1 + 0.35 |x|) fitted to the least relative error on |x| <= 13.5.
ENGINE_HOST_DEVICE float normal_cdf(float x) {
  const float distance = std::fabs(x);
  const float a = distance > 14.0f ? 14.0f : distance;
  const float t = 1.0f / (1.0f + 0.35f * a);
  float sum = -0.0291274768f;
  sum = sum * t + 0.143879890f;
  sum = sum * t - 0.255519897f;
  sum = sum * t + 0.158946157f;
  sum = sum * t - 0.0229482390f;
  sum = sum * t + 0.105437383f;
  sum = sum * t + 0.119851388f;
  sum = sum * t + 0.139859214f;
  sum = sum * t + 0.139621556f;
  const float tail = approximate::exp(-0.5f * a * a) * (sum * t);
  return x > 0.0f ? 1.0f - tail : tail;
}

}  // namespace approximate

// In device code the device library is the better choice; elsewhere the forms above.
#ifdef __CUDA_ARCH__
#define ENGINE_REAL_F32(device, host) (device)
#else
#define ENGINE_REAL_F32(device, host) (host)
#endif

ENGINE_HOST_DEVICE double exp(double x) {
  return std::exp(x);
}
ENGINE_HOST_DEVICE float exp(float x) {
  return ENGINE_REAL_F32(expf(x), approximate::exp(x));
}

/// exp(x) - 1 for x <= 0.
ENGINE_HOST_DEVICE double expm1_nonpositive(double x) {
  return std::expm1(x);
}
ENGINE_HOST_DEVICE float expm1_nonpositive(float x) {
  return ENGINE_REAL_F32(expm1f(x), approximate::expm1_nonpositive(x));
}

ENGINE_HOST_DEVICE double log(double x) {
  return std::log(x);
}
ENGINE_HOST_DEVICE float log(float x) {
  return ENGINE_REAL_F32(logf(x), approximate::log(x));
}

/// log(1 + x) for 0 <= x <= 1.
ENGINE_HOST_DEVICE double log1p_fraction(double x) {
  return std::log1p(x);
}
ENGINE_HOST_DEVICE float log1p_fraction(float x) {
  return ENGINE_REAL_F32(log1pf(x), approximate::log_of_ratio(x / (2.0f + x)));
}

/// The standard normal distribution function.
ENGINE_HOST_DEVICE double normal_cdf(double x) {
  return 0.5 * std::erfc(-0.70710678118654752440 * x);
}
ENGINE_HOST_DEVICE float normal_cdf(float x) {
  return ENGINE_REAL_F32(0.5f * erfcf(-0.707106781f * x), approximate::normal_cdf(x));
}

ENGINE_HOST_DEVICE double tanh(double x) {
  return std::tanh(x);
}
ENGINE_HOST_DEVICE float tanh_from_expm1(float x) {
  const float m = expm1_nonpositive(-2.0f * std::fabs(x));
  return std::copysign(-m / (2.0f + m), x);
}
ENGINE_HOST_DEVICE float tanh(float x) {
  return ENGINE_REAL_F32(tanhf(x), tanh_from_expm1(x));
}

#undef ENGINE_REAL_F32

template <class T>
ENGINE_HOST_DEVICE T sqrt(T x) {
  return std::sqrt(x);
}

template <class T>
ENGINE_HOST_DEVICE T sigmoid(T x) {
  return T(1) / (T(1) + real::exp(-x));
}

/// log(1 + exp(x)).
template <class T>
ENGINE_HOST_DEVICE T softplus(T x) {
  const T distance = x < T(0) ? x : -x;
  return (x > T(0) ? x : T(0)) + real::log1p_fraction(real::exp(distance));
}

/// The standard normal density.
template <class T>
ENGINE_HOST_DEVICE T normal_density(T x) {
  return T(0.39894228040143267794) * real::exp(T(-0.5) * x * x);
}

/// x, or the bound it is beyond; NaN stays NaN.
template <class T>
ENGINE_HOST_DEVICE T at_least(T x, T low) {
  return x < low ? low : x;
}
template <class T>
ENGINE_HOST_DEVICE T clamp(T x, T low, T high) {
  const T above = at_least(x, low);
  return above > high ? high : above;
}

}  // namespace engine::real
