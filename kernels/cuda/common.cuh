// What the hand-written kernels share: index arithmetic, warp and block reductions, and launching.
// Every sum is taken in a fixed order, so that results are the same on every run.
#pragma once

#include <cstdint>

#include "engine/device/cuda/check.h"
#include "engine/device/cuda/port.h"
#include "engine/tune/candidate.h"

namespace engine::cuda {

inline constexpr int kWarp = 32;
inline constexpr int kBlockThreads = 256;  ///< where each takes an element and nothing else counts
inline constexpr unsigned kAllLanes = 0xFFFFFFFFu;

template <class T>
__host__ __device__ constexpr T ceil_div(T a, T b) {
  return (a + b - 1) / b;
}

/// The block's position times its size: the first element, where one thread takes one element.
__device__ inline std::int64_t global_thread() {
  return static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
}
__device__ inline std::int64_t global_thread_count() {
  return static_cast<std::int64_t>(gridDim.x) * blockDim.x;
}

template <class T>
__device__ T warp_sum(T value) {
  for (int offset = kWarp / 2; offset > 0; offset /= 2)
    value += __shfl_xor_sync(kAllLanes, value, offset);
  return value;
}

__device__ inline float warp_max(float value) {
  for (int offset = kWarp / 2; offset > 0; offset /= 2)
    value = fmaxf(value, __shfl_xor_sync(kAllLanes, value, offset));
  return value;
}

/// Reductions over a group of warps that is a whole block, or over one warp alone. All threads of
/// the group get the result. `partial` is shared memory of kWarps values, unused by a single warp.
template <int kWarps, class T>
__device__ T group_sum(T value, T* partial) {
  value = warp_sum(value);
  if constexpr (kWarps > 1) {
    if (threadIdx.x % kWarp == 0) partial[threadIdx.x / kWarp] = value;
    __syncthreads();
    value = partial[0];
    for (int warp = 1; warp < kWarps; ++warp) value += partial[warp];
    __syncthreads();  // `partial` may be written again
  }
  return value;
}

template <int kWarps>
__device__ float group_max(float value, float* partial) {
  value = warp_max(value);
  if constexpr (kWarps > 1) {
    if (threadIdx.x % kWarp == 0) partial[threadIdx.x / kWarp] = value;
    __syncthreads();
    value = partial[0];
    for (int warp = 1; warp < kWarps; ++warp) value = fmaxf(value, partial[warp]);
    __syncthreads();
  }
  return value;
}

/// Whether four elements at a time may be accessed through `pointer`.
template <class T>
bool is_aligned_for_4(const T* pointer) {
  return reinterpret_cast<std::uintptr_t>(pointer) % (4 * sizeof(T)) == 0;
}

inline cudaStream_t native_stream(const Stream& stream) {
  return static_cast<cudaStream_t>(stream.native());
}

/// Launches and throws DeviceError when that fails. An empty grid is not a launch.
template <class... Parameters, class... Arguments>
void run(const char* name, void (*kernel)(Parameters...), dim3 grid, int threads,
         cudaStream_t stream, const Arguments&... arguments) {
  if (grid.x == 0 || grid.y == 0 || grid.z == 0) return;
  require_context(name);
  check(launch(kernel, grid, dim3(static_cast<unsigned>(threads)), 0, stream, arguments...), name);
}

/// Blocks for `items` with one item a thread; kernels with a grid-stride loop may get fewer.
inline dim3 blocks_for(std::int64_t items, int threads) {
  constexpr std::int64_t kMost = 1 << 20;
  const std::int64_t blocks = ceil_div<std::int64_t>(items, threads);
  return dim3(static_cast<unsigned>(blocks < kMost ? blocks : kMost));
}

}  // namespace engine::cuda
