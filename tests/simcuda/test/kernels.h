// Launchers of the kernels that the simulator's own tests run, right and wrong ones. Each answers
// what the launch answered.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>

namespace simcuda_test {

// Source lines that reports must name.
struct Lines {
  int reverse_store;
  int reverse_load;
  int divergent_barrier;
};
Lines lines();

// -- barriers and warps --
// out[i] = in[n-1-i] for one block of n threads, through shared memory.
cudaError_t reverse(const float* in, float* out, int n, bool with_barrier, cudaStream_t stream = 0);
cudaError_t count_threads(float* out, bool atomically);  // out[0] = 64
cudaError_t meet_in_two_places();
cudaError_t leave_early(int* out);  // threads that returned are not waited for; out[0] = 32
cudaError_t skip_barrier(bool in_branch);
cudaError_t lane_outside_its_mask();
cudaError_t lanes_in_different_operations();
cudaError_t lane_missing();
cudaError_t predicates(int* out);  // 3 values: count, and, or
// For each of 64 lanes: 8 values, see the test.
constexpr int warp_values = 8;
cudaError_t warp_operations(float* out);
cudaError_t shuffle_from_absent_lane(float* out);
cudaError_t exchange_in_warp(float* out, bool with_syncwarp);
cudaError_t indices(int* out, dim3 grid, dim3 block);  // out[global position] = 1 + it
cudaError_t record_order(int* order, int* counter, int n);
cudaError_t atomics(int* integers, float* reals, double* doubles, unsigned long long* longs);
cudaError_t sum_in_last_block(const float* in, float* partial, unsigned* counter, float* out,
                              int blocks, bool with_fence);
cudaError_t intrinsics(float* out);

// -- memory --
cudaError_t store_beyond_end(float* out, int n, int beyond);
cudaError_t shared_beyond_end(float* out, int beyond);
cudaError_t dynamic_shared_beyond_end(float* out, int beyond);
cudaError_t read_unwritten_shared(float* out);
cudaError_t read_through(const float* in, float* out);
cudaError_t write_bytes(unsigned char* out, int n);

// -- streams --
cudaError_t add(float* values, int n, float amount, cudaStream_t stream);
cudaError_t copy(const float* in, float* out, int n, cudaStream_t stream);

// -- launch limits --
cudaError_t nothing(dim3 grid, dim3 block, std::size_t shared_bytes);
cudaError_t allow_nothing(std::size_t shared_bytes);
cudaError_t large_static_shared(std::size_t shared_bytes);

// -- access patterns, one block of 32 threads --
cudaError_t copy_strided(const float* in, float* out, int stride);
cudaError_t copy_vectors(const float4* in, float4* out);
cudaError_t copy_shared_strided(float* out, int stride);
cudaError_t copy_shared_vectors(float4* out);

}  // namespace simcuda_test
