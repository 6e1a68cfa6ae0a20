// CUDA's device functions by their CUDA names, in the global namespace as CUDA has them. Included
// by kernel.h only. The approximate ones (__expf and kin) answer the accurate value: results differ
// from hardware in the last bits, which tests with a tolerance must allow anyway.
#pragma once

// -- barriers and votes --------------------------------------------------------------------------

inline void __syncthreads(simcuda::Site site = simcuda::Site::current()) {
  simcuda::block_barrier(false, site);
}
inline int __syncthreads_count(int predicate, simcuda::Site site = simcuda::Site::current()) {
  return static_cast<int>(simcuda::block_barrier(predicate != 0, site).votes);
}
inline int __syncthreads_and(int predicate, simcuda::Site site = simcuda::Site::current()) {
  const auto result = simcuda::block_barrier(predicate != 0, site);
  return result.votes == result.threads;
}
inline int __syncthreads_or(int predicate, simcuda::Site site = simcuda::Site::current()) {
  return simcuda::block_barrier(predicate != 0, site).votes != 0;
}
inline void __syncwarp(unsigned mask = 0xFFFFFFFFu, simcuda::Site site = simcuda::Site::current()) {
  simcuda::warp_operation(simcuda::WarpOperation::synchronize, mask, 0, 0, site);
}
inline unsigned __ballot_sync(unsigned mask, int predicate,
                              simcuda::Site site = simcuda::Site::current()) {
  return static_cast<unsigned>(
      simcuda::warp_operation(simcuda::WarpOperation::ballot, mask, predicate != 0, 0, site));
}
inline int __any_sync(unsigned mask, int predicate, simcuda::Site site = simcuda::Site::current()) {
  return __ballot_sync(mask, predicate, site) != 0;
}
inline int __all_sync(unsigned mask, int predicate, simcuda::Site site = simcuda::Site::current()) {
  return __ballot_sync(mask, predicate == 0, site) == 0;
}

// -- shuffles: a source outside the segment of `width` lanes means the caller's own value
// -----------

template <class T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32,
              simcuda::Site site = simcuda::Site::current()) {
  const auto offset = static_cast<unsigned>(source) & (static_cast<unsigned>(width) - 1);
  return simcuda::shuffle(mask, value, simcuda::first_lane(width) + offset, site);
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32,
                 simcuda::Site site = simcuda::Site::current()) {
  const unsigned lane = simcuda::lane();
  const bool inside = lane - simcuda::first_lane(width) >= delta;
  return simcuda::shuffle(mask, value, inside ? lane - delta : lane, site);
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32,
                   simcuda::Site site = simcuda::Site::current()) {
  const unsigned lane = simcuda::lane();
  const bool inside = lane - simcuda::first_lane(width) + delta < static_cast<unsigned>(width);
  return simcuda::shuffle(mask, value, inside ? lane + delta : lane, site);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int lane_mask, int width = 32,
                  simcuda::Site site = simcuda::Site::current()) {
  const unsigned lane = simcuda::lane();
  const unsigned source = lane ^ static_cast<unsigned>(lane_mask);
  const bool inside = source < simcuda::first_lane(width) + static_cast<unsigned>(width);
  return simcuda::shuffle(mask, value, inside ? source : lane, site);
}

// -- atomics and fences --------------------------------------------------------------------------

namespace simcuda {
template <class T>
T atomic_add(T* address, T value) {
  return atomic_update(address, [value](T old) { return static_cast<T>(old + value); });
}
template <class T>
T atomic_max(T* address, T value) {
  return atomic_update(address, [value](T old) { return old < value ? value : old; });
}
template <class T>
T atomic_min(T* address, T value) {
  return atomic_update(address, [value](T old) { return value < old ? value : old; });
}
template <class T>
T atomic_exchange(T* address, T value) {
  return atomic_update(address, [value](T) { return value; });
}
template <class T>
T atomic_compare(T* address, T expected, T value) {
  return atomic_update(address, [=](T old) { return old == expected ? value : old; });
}
}  // namespace simcuda

inline int atomicAdd(int* p, int v) {
  return simcuda::atomic_add(p, v);
}
inline unsigned atomicAdd(unsigned* p, unsigned v) {
  return simcuda::atomic_add(p, v);
}
inline unsigned long long atomicAdd(unsigned long long* p, unsigned long long v) {
  return simcuda::atomic_add(p, v);
}
inline float atomicAdd(float* p, float v) {
  return simcuda::atomic_add(p, v);
}
inline double atomicAdd(double* p, double v) {
  return simcuda::atomic_add(p, v);
}
inline int atomicSub(int* p, int v) {
  return simcuda::atomic_add(p, -v);
}
inline unsigned atomicSub(unsigned* p, unsigned v) {
  return simcuda::atomic_add(p, 0u - v);
}
inline int atomicMax(int* p, int v) {
  return simcuda::atomic_max(p, v);
}
inline unsigned atomicMax(unsigned* p, unsigned v) {
  return simcuda::atomic_max(p, v);
}
inline unsigned long long atomicMax(unsigned long long* p, unsigned long long v) {
  return simcuda::atomic_max(p, v);
}
inline int atomicMin(int* p, int v) {
  return simcuda::atomic_min(p, v);
}
inline unsigned atomicMin(unsigned* p, unsigned v) {
  return simcuda::atomic_min(p, v);
}
inline unsigned long long atomicMin(unsigned long long* p, unsigned long long v) {
  return simcuda::atomic_min(p, v);
}
inline int atomicExch(int* p, int v) {
  return simcuda::atomic_exchange(p, v);
}
inline unsigned atomicExch(unsigned* p, unsigned v) {
  return simcuda::atomic_exchange(p, v);
}
inline float atomicExch(float* p, float v) {
  return simcuda::atomic_exchange(p, v);
}
inline unsigned long long atomicExch(unsigned long long* p, unsigned long long v) {
  return simcuda::atomic_exchange(p, v);
}
inline int atomicCAS(int* p, int expected, int v) {
  return simcuda::atomic_compare(p, expected, v);
}
inline unsigned atomicCAS(unsigned* p, unsigned expected, unsigned v) {
  return simcuda::atomic_compare(p, expected, v);
}
inline unsigned long long atomicCAS(unsigned long long* p, unsigned long long expected,
                                    unsigned long long v) {
  return simcuda::atomic_compare(p, expected, v);
}
inline int atomicOr(int* p, int v) {
  return simcuda::atomic_update(p, [v](int old) { return old | v; });
}
inline unsigned atomicOr(unsigned* p, unsigned v) {
  return simcuda::atomic_update(p, [v](unsigned old) { return old | v; });
}
inline unsigned atomicAnd(unsigned* p, unsigned v) {
  return simcuda::atomic_update(p, [v](unsigned old) { return old & v; });
}
inline unsigned atomicInc(unsigned* p, unsigned limit) {
  return simcuda::atomic_update(p, [limit](unsigned old) { return old >= limit ? 0u : old + 1; });
}
inline void __threadfence() {
  simcuda::fence();
}
inline void __threadfence_block() {
  simcuda::fence();
}
inline void __trap(simcuda::Site site = simcuda::Site::current()) {
  simcuda::trap(site);
}

// -- loads ---------------------------------------------------------------------------------------

template <class T>
T __ldg(const T* p) {
  return *p;
}
template <class T>
T __ldcs(const T* p) {
  return *p;
}
template <class T>
void __stcs(T* p, T value) {
  *p = value;
}

// -- arithmetic ----------------------------------------------------------------------------------

// glibc declares some of these names itself; a definition must repeat its noexcept.
inline float __expf(float x) noexcept {
  return expf(x);
}
inline float __exp10f(float x) noexcept {
  return powf(10.0f, x);
}
inline float __logf(float x) noexcept {
  return logf(x);
}
inline float __log2f(float x) noexcept {
  return log2f(x);
}
inline float __log10f(float x) noexcept {
  return log10f(x);
}
inline float __powf(float x, float y) noexcept {
  return powf(x, y);
}
inline float __sinf(float x) noexcept {
  return sinf(x);
}
inline float __cosf(float x) noexcept {
  return cosf(x);
}
inline float __fdividef(float x, float y) {
  return x / y;
}
inline float __saturatef(float x) {
  return x > 0.0f ? (x < 1.0f ? x : 1.0f) : 0.0f;
}
inline float rsqrtf(float x) {
  return 1.0f / sqrtf(x);
}
inline double rsqrt(double x) {
  return 1.0 / sqrt(x);
}

// The _rn forms are never contracted into a fused multiply-add: volatile keeps the product apart.
inline float __fmul_rn(float x, float y) {
  volatile float product = x * y;
  return product;
}
inline float __fadd_rn(float x, float y) {
  volatile float sum = x + y;
  return sum;
}
inline float __fsub_rn(float x, float y) {
  return __fadd_rn(x, -y);
}
inline float __fmaf_rn(float x, float y, float z) {
  return fmaf(x, y, z);
}
inline float __fdiv_rn(float x, float y) {
  return x / y;
}
inline float __frcp_rn(float x) {
  return 1.0f / x;
}
inline float __fsqrt_rn(float x) {
  return sqrtf(x);
}
inline float __frsqrt_rn(float x) {
  return 1.0f / sqrtf(x);
}
inline double __dmul_rn(double x, double y) {
  volatile double product = x * y;
  return product;
}
inline double __dadd_rn(double x, double y) {
  volatile double sum = x + y;
  return sum;
}

inline int min(int a, int b) {
  return a < b ? a : b;
}
inline unsigned min(unsigned a, unsigned b) {
  return a < b ? a : b;
}
inline long min(long a, long b) {
  return a < b ? a : b;
}
inline unsigned long min(unsigned long a, unsigned long b) {
  return a < b ? a : b;
}
inline long long min(long long a, long long b) {
  return a < b ? a : b;
}
inline unsigned long long min(unsigned long long a, unsigned long long b) {
  return a < b ? a : b;
}
inline float min(float a, float b) {
  return fminf(a, b);
}
inline double min(double a, double b) {
  return fmin(a, b);
}
inline int max(int a, int b) {
  return a < b ? b : a;
}
inline unsigned max(unsigned a, unsigned b) {
  return a < b ? b : a;
}
inline long max(long a, long b) {
  return a < b ? b : a;
}
inline unsigned long max(unsigned long a, unsigned long b) {
  return a < b ? b : a;
}
inline long long max(long long a, long long b) {
  return a < b ? b : a;
}
inline unsigned long long max(unsigned long long a, unsigned long long b) {
  return a < b ? b : a;
}
inline float max(float a, float b) {
  return fmaxf(a, b);
}
inline double max(double a, double b) {
  return fmax(a, b);
}

inline unsigned __umulhi(unsigned a, unsigned b) {
  return static_cast<unsigned>((static_cast<std::uint64_t>(a) * b) >> 32);
}
inline int __mulhi(int a, int b) {
  return static_cast<int>((static_cast<std::int64_t>(a) * b) >> 32);
}
inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
  return static_cast<unsigned long long>((static_cast<unsigned __int128>(a) * b) >> 64);
}
inline int __popc(unsigned x) {
  return __builtin_popcount(x);
}
inline int __popcll(unsigned long long x) {
  return __builtin_popcountll(x);
}
inline int __clz(int x) {
  return x == 0 ? 32 : __builtin_clz(static_cast<unsigned>(x));
}
inline int __ffs(int x) {
  return __builtin_ffs(x);
}
inline unsigned __brev(unsigned x) {
  unsigned reversed = 0;
  for (int bit = 0; bit < 32; ++bit) reversed |= (x >> bit & 1u) << (31 - bit);
  return reversed;
}

inline unsigned __float_as_uint(float x) {
  return simcuda::bit_copy<unsigned>(x);
}
inline int __float_as_int(float x) {
  return simcuda::bit_copy<int>(x);
}
inline float __uint_as_float(unsigned x) {
  return simcuda::bit_copy<float>(x);
}
inline float __int_as_float(int x) {
  return simcuda::bit_copy<float>(x);
}
inline long long __double_as_longlong(double x) {
  return simcuda::bit_copy<long long>(x);
}
inline double __longlong_as_double(long long x) {
  return simcuda::bit_copy<double>(x);
}
inline int __float2int_rn(float x) {
  return static_cast<int>(nearbyintf(x));
}
inline int __float2int_rz(float x) {
  return static_cast<int>(x);
}
inline int __float2int_rd(float x) {
  return static_cast<int>(floorf(x));
}
inline int __float2int_ru(float x) {
  return static_cast<int>(ceilf(x));
}
inline float __int2float_rn(int x) {
  return static_cast<float>(x);
}
inline float __uint2float_rn(unsigned x) {
  return static_cast<float>(x);
}
