// What the hand-written CPU kernels share: SIMD by run-time dispatch, and the policy for denormals.
#pragma once

#include <cstring>

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

#include "engine/core/host_device.h"

/// Marks a function of plain loops to be compiled once a SIMD level, the best one for the machine
/// being picked when the library is loaded. Only free functions that are neither inline nor
/// templates can be marked. The loader resolves such functions before a sanitizer's run time is up:
/// none there.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define ENGINE_SIMD_CLONES \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define ENGINE_SIMD_CLONES
#endif

/// Precedes a loop whose iterations touch equal indices of pointers that may be one another's (what
/// the ops allow as "in place"): the compiler need not prove, or check at run time, that they are
/// apart.
#if defined(__clang__)
#define ENGINE_SIMD_LOOP _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__)
#define ENGINE_SIMD_LOOP _Pragma("GCC ivdep")
#else
#define ENGINE_SIMD_LOOP
#endif

/// The same, for a loop of as many iterations as a register or a few have lanes, which g++ would
/// unroll before it looks for vectors.
#if defined(__GNUC__) && !defined(__clang__)
#define ENGINE_LANE_LOOP _Pragma("GCC unroll 1") _Pragma("GCC ivdep")
#else
#define ENGINE_LANE_LOOP ENGINE_SIMD_LOOP
#endif

/// Marks the inline helpers of such functions, so that they are compiled into each clone.
#define ENGINE_SIMD_INLINE [[gnu::always_inline]] inline

namespace engine::cpu {

/// body(u) for u in [0, count): first whole registers, then one of which so many lanes are masked.
/// Else the last elements would be computed one by one, which for an expensive body takes as long
/// as some registers. What body does to an element must not depend on other ones.
template <class Body>
ENGINE_SIMD_INLINE void for_each_lane(std::int64_t count, const Body& body) {
  constexpr std::int64_t kLanes = 16;
  const std::int64_t whole = count / kLanes * kLanes;
  ENGINE_SIMD_LOOP
  for (std::int64_t u = 0; u < whole; ++u) body(u);
  const std::int64_t left = count - whole;
  if (left == 0) return;
  ENGINE_LANE_LOOP
  for (std::int64_t u = 0; u < kLanes; ++u)
    if (u < left) body(whole + u);
}

namespace detail {
template <int count>
struct Lanes {
  using Type __attribute__((vector_size(sizeof(float) * count))) = float;
};
}  // namespace detail
/// So many floats, with the arithmetic operators: a register, or as many as it takes.
template <int count>
using Lanes = typename detail::Lanes<count>::Type;

/// Reads and writes of a vector at any float. By reference: how vectors are passed depends on the
/// instructions compiled for.
template <class Vector>
ENGINE_SIMD_INLINE void load_lanes(Vector& vector, const float* from) {
  std::memcpy(&vector, from, sizeof vector);
}
template <class Vector>
ENGINE_SIMD_INLINE void store_lanes(float* to, const Vector& vector) {
  std::memcpy(to, &vector, sizeof vector);
}

/// Fewest elements worth a thread of their own in a loop bound by memory: some microseconds of
/// work, against about one to wake the pool.
inline constexpr int kElementGrain = 16384;

/// Treats denormal floats as zero on this thread for its lifetime. Moments of parameters that get
/// no gradient decay into that range, where every operation costs a hundred times as much.
class FlushDenormals {
 public:
#if defined(__SSE2__)
  FlushDenormals() : saved_(_mm_getcsr()) {
    _mm_setcsr(saved_ | 0x8040);
  }
  ~FlushDenormals() {
    _mm_setcsr(saved_);
  }
#else
  FlushDenormals() = default;
#endif
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

#if defined(__SSE2__)
 private:
  unsigned saved_;
#endif
};

}  // namespace engine::cpu
