// Sums over the elements of tensors, in an order that depends on their number alone: one block
// where it suffices, else the blocks' sums go to the workspace, where one block adds them up.
#pragma once

#include <algorithm>

#include "kernels/cuda/common.cuh"

namespace engine::cuda {

inline constexpr int kSumWarps = 16;              // of a block
inline constexpr std::int64_t kSumItems = 16384;  // that one block takes on its own
inline constexpr std::int64_t kMostSums = 1024;

inline std::int64_t sum_blocks(std::int64_t count) {
  return std::clamp<std::int64_t>(ceil_div(count, kSumItems), 1, kMostSums);
}

/// Bytes of workspace of run_sum() for terms of type T.
template <class T>
std::size_t sum_workspace(std::int64_t count) {
  const std::int64_t blocks = sum_blocks(count);
  return blocks == 1 ? 0 : static_cast<std::size_t>(blocks) * sizeof(T);
}

struct Identity {
  template <class T>
  __device__ T operator()(T value) const {
    return value;
  }
};

/// Of the sum of `count` values: their mean, 0 when there are none.
struct MeanOf {
  std::int64_t count;
  __device__ float operator()(float sum) const {
    return count == 0 ? 0.0f : sum / static_cast<float>(count);
  }
};

/// out[block] = finish(sum of term(in[i]...) over the block's share).
template <class T, class Term, class Finish, class... Inputs>
__global__ void sum_kernel(Term term, Finish finish, std::int64_t count, T* out,
                           const Inputs*... in) {
  ENGINE_SHARED(T, shared, [kSumWarps]);
  T sum{};
  for (std::int64_t i = global_thread(); i < count; i += global_thread_count())
    sum += term(in[i]...);
  sum = group_sum<kSumWarps>(sum, shared);
  if (threadIdx.x == 0) out[blockIdx.x] = finish(sum);
}

/// *out = finish(sum of term(in[i]...) over i < count), for terms of type T. `workspace` has
/// sum_workspace<T>(count) bytes.
template <class T, class Term, class Finish, class... Inputs>
void run_sum(const char* name, Stream& to, void* workspace, Term term, Finish finish,
             std::int64_t count, T* out, const Inputs*... in) {
  const cudaStream_t stream = native_stream(to);
  const std::int64_t blocks = sum_blocks(count);
  if (blocks == 1) {
    run(name, sum_kernel<T, Term, Finish, Inputs...>, dim3(1), kSumWarps * kWarp, stream, term,
        finish, count, out, in...);
    return;
  }
  T* partial = static_cast<T*>(workspace);
  run(name, sum_kernel<T, Term, Identity, Inputs...>, dim3(static_cast<unsigned>(blocks)),
      kSumWarps * kWarp, stream, term, Identity{}, count, partial, in...);
  run(name, sum_kernel<T, Identity, Finish, T>, dim3(1), kSumWarps * kWarp, stream, Identity{},
      finish, blocks, out, static_cast<const T*>(partial));
}

}  // namespace engine::cuda
