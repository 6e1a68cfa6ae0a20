// The kernels of the simulator's own tests: small ones, each right, or wrong in one way.
#include "kernels.h"

#include "engine/device/cuda/port.h"

namespace simcuda_test {
namespace {

using engine::cuda::launch;

constexpr int reverse_first_line = __LINE__;
template <bool with_barrier>
__global__ void reverse_kernel(const float* in, float* out) {
  ENGINE_DYNAMIC_SHARED(float, tile);
  tile[threadIdx.x] = in[threadIdx.x];
  if constexpr (with_barrier) __syncthreads();
  out[threadIdx.x] = tile[blockDim.x - 1 - threadIdx.x];
}

__global__ void count_kernel(float* out, bool atomically) {
  ENGINE_SHARED(float, count);
  if (threadIdx.x == 0) count = 0;
  __syncthreads();
  if (atomically)
    atomicAdd(&count, 1.0f);
  else
    count += 1.0f;
  __syncthreads();
  if (threadIdx.x == 0) out[0] = count;
}

constexpr int two_places_first_line = __LINE__;
__global__ void two_places_kernel() {
  if (threadIdx.x < 16)
    __syncthreads();
  else
    __syncthreads();
}

__global__ void leave_early_kernel(int* out) {
  if (threadIdx.x >= 32) return;
  const int met = __syncthreads_count(1);
  if (threadIdx.x == 0) out[0] = met;
}

__global__ void skip_barrier_kernel(bool in_branch) {
  if (!in_branch || threadIdx.x < 16) __syncthreads();
  __syncwarp();
}

__global__ void outside_mask_kernel() {
  __ballot_sync(0x0000FFFFu, 1);
}

__global__ void different_operations_kernel() {
  if (threadIdx.x < 16)
    __shfl_sync(0xFFFFFFFFu, 1, 0);
  else
    __ballot_sync(0xFFFFFFFFu, 1);
}

__global__ void lane_missing_kernel() {
  if (threadIdx.x != 7) __syncwarp();
}

__global__ void predicates_kernel(int* out) {
  const int count = __syncthreads_count(threadIdx.x % 3 == 0);
  const int all = __syncthreads_and(threadIdx.x < 64);
  const int any = __syncthreads_or(threadIdx.x == 99);
  if (threadIdx.x == 5) {
    out[0] = count;
    out[1] = all;
    out[2] = any;
  }
}

__global__ void warp_kernel(float* out) {
  const unsigned all = 0xFFFFFFFFu;
  const auto value = static_cast<float>(threadIdx.x);
  float* mine = out + threadIdx.x * warp_values;
  mine[0] = __shfl_sync(all, value, 3);
  mine[1] = __shfl_up_sync(all, value, 2, 8);
  mine[2] = __shfl_down_sync(all, value, 2, 8);
  mine[3] = __shfl_xor_sync(all, value, 16);
  mine[4] = static_cast<float>(__popc(__ballot_sync(all, threadIdx.x % 32 < 5)));
  mine[5] = static_cast<float>(__any_sync(all, threadIdx.x % 32 == 31) +
                               2 * __all_sync(all, threadIdx.x % 32 < 31));
  if (threadIdx.x % 2 == 0)
    mine[6] = __shfl_sync(0x55555555u, value, 4);
  else
    mine[6] = __shfl_sync(0xAAAAAAAAu, value, 5);
  mine[7] = static_cast<float>(__shfl_sync(all, static_cast<double>(value) / 3, 1, 4));
}

__global__ void absent_lane_kernel(float* out) {
  if (threadIdx.x < 16) out[threadIdx.x] = __shfl_sync(0x0000FFFFu, 1.0f, 20);
}

template <bool with_syncwarp>
__global__ void exchange_kernel(float* out) {
  ENGINE_SHARED(float, tile, [32]);
  tile[threadIdx.x] = static_cast<float>(threadIdx.x);
  if constexpr (with_syncwarp) __syncwarp();
  out[threadIdx.x] = tile[threadIdx.x ^ 1];
}

__global__ void indices_kernel(int* out) {
  const unsigned block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
  const unsigned thread = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
  const unsigned position = block * blockDim.x * blockDim.y * blockDim.z + thread;
  out[position] += static_cast<int>(position) + 1;
}

__global__ void order_kernel(int* order, int* counter) {
  order[atomicAdd(counter, 1)] = static_cast<int>(threadIdx.x);
}

__global__ void atomics_kernel(int* integers, float* reals, double* doubles,
                               unsigned long long* longs) {
  const int thread = static_cast<int>(threadIdx.x);
  atomicAdd(&integers[0], 1);
  atomicMax(&integers[1], thread);
  atomicCAS(&integers[2], 0, 7);
  atomicExch(&integers[3], 9);
  atomicInc(reinterpret_cast<unsigned*>(&integers[4]), 9);
  atomicAdd(reals, 0.5f);
  atomicAdd(doubles, 0.25);
  atomicAdd(longs, 1ull << 33);
}

template <bool with_fence>
__global__ void last_block_kernel(const float* in, float* partial, unsigned* counter, float* out) {
  ENGINE_SHARED(bool, last);
  if (threadIdx.x == 0) {
    partial[blockIdx.x] = in[blockIdx.x];
    if constexpr (with_fence) __threadfence();
    last = atomicInc(counter, gridDim.x - 1) == gridDim.x - 1;
  }
  __syncthreads();
  if (!last || threadIdx.x != 0) return;
  float sum = 0;
  for (unsigned i = 0; i < gridDim.x; ++i) sum += partial[i];
  out[0] = sum;
}

__global__ void intrinsics_kernel(float* out) {
  out[0] = __expf(1.0f);
  out[1] = __logf(2.0f);
  out[2] = __fdividef(1.0f, 4.0f);
  out[3] = rsqrtf(4.0f);
  out[4] = __fmaf_rn(2.0f, 3.0f, 4.0f);
  out[5] = max(NAN, 1.0f);
  out[6] = static_cast<float>(__umulhi(0x80000000u, 6u));
  out[7] = __uint_as_float(__float_as_uint(1.5f));
  out[8] = static_cast<float>(min(3, -3));
  out[9] = __fadd_rn(__fmul_rn(3.0f, 3.0f), __ldg(&out[8]));
}

__global__ void beyond_end_kernel(float* out, int n) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) out[i] = 1.0f;
}

__global__ void shared_kernel(float* out, int beyond) {
  ENGINE_SHARED(float, tile, [32]);
  tile[threadIdx.x + static_cast<unsigned>(beyond)] = 1.0f;
  out[threadIdx.x] = tile[threadIdx.x];
}

__global__ void dynamic_shared_kernel(float* out, int beyond) {
  ENGINE_DYNAMIC_SHARED(float, tile);
  tile[threadIdx.x + static_cast<unsigned>(beyond)] = 1.0f;
  out[threadIdx.x] = tile[threadIdx.x];
}

__global__ void unwritten_kernel(float* out) {
  ENGINE_SHARED(float, tile, [32]);
  out[threadIdx.x] = tile[threadIdx.x];
  tile[threadIdx.x] = 1.0f;
}

__global__ void read_kernel(const float* in, float* out) {
  out[0] = in[0];
}

__global__ void bytes_kernel(unsigned char* out) {
  out[threadIdx.x] = static_cast<unsigned char>(threadIdx.x);
}

__global__ void add_kernel(float* values, int n, float amount) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) values[i] += amount;
}

__global__ void copy_kernel(const float* in, float* out, int n) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) out[i] = in[i];
}

__global__ void nothing_kernel() {}

__global__ void large_static_kernel() {
  ENGINE_SHARED(float, tile, [40 * 256]);
  tile[threadIdx.x] = 0;
}

__global__ void strided_kernel(const float* in, float* out, int stride) {
  out[threadIdx.x * static_cast<unsigned>(stride)] =
      in[threadIdx.x * static_cast<unsigned>(stride)];
}

__global__ void vectors_kernel(const float4* in, float4* out) {
  const float4 value = in[threadIdx.x];
  out[threadIdx.x] = make_float4(value.w, value.z, value.y, value.x);
}

__global__ void shared_strided_kernel(float* out, int stride) {
  ENGINE_SHARED(float, tile, [32 * 33]);
  tile[threadIdx.x * static_cast<unsigned>(stride)] = 1.0f;
  out[threadIdx.x] = tile[threadIdx.x * static_cast<unsigned>(stride)];
}

__global__ void shared_vectors_kernel(float4* out) {
  ENGINE_SHARED(float4, tile, [32]);
  tile[threadIdx.x] = make_float4(1, 2, 3, 4);
  out[threadIdx.x] = tile[threadIdx.x];
}

unsigned blocks_for(int n) {
  return static_cast<unsigned>((n + 255) / 256);
}

}  // namespace

Lines lines() {
  return {reverse_first_line + 4, reverse_first_line + 6, two_places_first_line + 3};
}

cudaError_t reverse(const float* in, float* out, int n, bool with_barrier, cudaStream_t stream) {
  const auto threads = static_cast<unsigned>(n);
  const auto kernel = with_barrier ? reverse_kernel<true> : reverse_kernel<false>;
  return launch(kernel, 1, threads, threads * sizeof(float), stream, in, out);
}
cudaError_t count_threads(float* out, bool atomically) {
  return launch(count_kernel, 1, 64, 0, nullptr, out, atomically);
}
cudaError_t meet_in_two_places() {
  return launch(two_places_kernel, 1, 32, 0, nullptr);
}
cudaError_t leave_early(int* out) {
  return launch(leave_early_kernel, 1, 96, 0, nullptr, out);
}
cudaError_t skip_barrier(bool in_branch) {
  return launch(skip_barrier_kernel, 1, 32, 0, nullptr, in_branch);
}
cudaError_t lane_outside_its_mask() {
  return launch(outside_mask_kernel, 1, 32, 0, nullptr);
}
cudaError_t lanes_in_different_operations() {
  return launch(different_operations_kernel, 1, 32, 0, nullptr);
}
cudaError_t lane_missing() {
  return launch(lane_missing_kernel, 1, 32, 0, nullptr);
}
cudaError_t predicates(int* out) {
  return launch(predicates_kernel, 1, 100, 0, nullptr, out);
}
cudaError_t warp_operations(float* out) {
  return launch(warp_kernel, 1, 64, 0, nullptr, out);
}
cudaError_t shuffle_from_absent_lane(float* out) {
  return launch(absent_lane_kernel, 1, 32, 0, nullptr, out);
}
cudaError_t exchange_in_warp(float* out, bool with_syncwarp) {
  const auto kernel = with_syncwarp ? exchange_kernel<true> : exchange_kernel<false>;
  return launch(kernel, 1, 32, 0, nullptr, out);
}
cudaError_t indices(int* out, dim3 grid, dim3 block) {
  return launch(indices_kernel, grid, block, 0, nullptr, out);
}
cudaError_t record_order(int* order, int* counter, int n) {
  return launch(order_kernel, 1, static_cast<unsigned>(n), 0, nullptr, order, counter);
}
cudaError_t atomics(int* integers, float* reals, double* doubles, unsigned long long* longs) {
  return launch(atomics_kernel, 2, 64, 0, nullptr, integers, reals, doubles, longs);
}
cudaError_t sum_in_last_block(const float* in, float* partial, unsigned* counter, float* out,
                              int blocks, bool with_fence) {
  const auto kernel = with_fence ? last_block_kernel<true> : last_block_kernel<false>;
  return launch(kernel, static_cast<unsigned>(blocks), 64, 0, nullptr, in, partial, counter, out);
}
cudaError_t intrinsics(float* out) {
  return launch(intrinsics_kernel, 1, 1, 0, nullptr, out);
}
cudaError_t store_beyond_end(float* out, int n, int beyond) {
  return launch(beyond_end_kernel, blocks_for(n + beyond), 256, 0, nullptr, out, n + beyond);
}
cudaError_t shared_beyond_end(float* out, int beyond) {
  return launch(shared_kernel, 1, 32, 0, nullptr, out, beyond);
}
cudaError_t dynamic_shared_beyond_end(float* out, int beyond) {
  return launch(dynamic_shared_kernel, 1, 32, 32 * sizeof(float), nullptr, out, beyond);
}
cudaError_t read_unwritten_shared(float* out) {
  return launch(unwritten_kernel, 2, 32, 0, nullptr, out);
}
cudaError_t read_through(const float* in, float* out) {
  return launch(read_kernel, 1, 1, 0, nullptr, in, out);
}
cudaError_t write_bytes(unsigned char* out, int n) {
  return launch(bytes_kernel, 1, static_cast<unsigned>(n), 0, nullptr, out);
}
cudaError_t add(float* values, int n, float amount, cudaStream_t stream) {
  return launch(add_kernel, blocks_for(n), 256, 0, stream, values, n, amount);
}
cudaError_t copy(const float* in, float* out, int n, cudaStream_t stream) {
  return launch(copy_kernel, blocks_for(n), 256, 0, stream, in, out, n);
}
cudaError_t nothing(dim3 grid, dim3 block, std::size_t shared_bytes) {
  return launch(nothing_kernel, grid, block, shared_bytes, nullptr);
}
cudaError_t allow_nothing(std::size_t shared_bytes) {
  return engine::cuda::allow_shared_memory(nothing_kernel, shared_bytes);
}
cudaError_t large_static_shared(std::size_t shared_bytes) {
  return launch(large_static_kernel, 1, 32, shared_bytes, nullptr);
}
cudaError_t copy_strided(const float* in, float* out, int stride) {
  return launch(strided_kernel, 1, 32, 0, nullptr, in, out, stride);
}
cudaError_t copy_vectors(const float4* in, float4* out) {
  return launch(vectors_kernel, 1, 32, 0, nullptr, in, out);
}
cudaError_t copy_shared_strided(float* out, int stride) {
  return launch(shared_strided_kernel, 1, 32, 0, nullptr, out, stride);
}
cudaError_t copy_shared_vectors(float4* out) {
  return launch(shared_vectors_kernel, 1, 32, 0, nullptr, out);
}

}  // namespace simcuda_test
