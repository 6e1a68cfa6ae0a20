// Element-wise kernels over functors of one or two floats. A thread takes four neighbours, as one
// 16-byte access where every operand is so aligned, and element by element at a ragged end.
#pragma once

#include "kernels/cuda/common.cuh"

namespace engine::cuda {

template <class F, class... Inputs>
__global__ void elementwise_kernel(F function, std::int64_t count, bool vector, float* out,
                                   const Inputs*... in) {
  for (std::int64_t quad = global_thread(); quad * 4 < count; quad += global_thread_count()) {
    const std::int64_t first = quad * 4;
    if (vector && first + 4 <= count) {
      const auto apply = [&](auto... v) {
        return make_float4(function(v.x...), function(v.y...), function(v.z...), function(v.w...));
      };
      *reinterpret_cast<float4*>(out + first) =
          apply(*reinterpret_cast<const float4*>(in + first)...);
    } else {
      for (std::int64_t i = first; i < count && i < first + 4; ++i) out[i] = function(in[i]...);
    }
  }
}

/// out[i] = function(in[i]...) for float operands of `count` elements; out may be any of the
/// inputs.
template <class F, class... Inputs>
void run_elementwise(const char* name, Stream& stream, F function, std::int64_t count, float* out,
                     const Inputs*... in) {
  constexpr int kThreads = 256;
  const bool vector = is_aligned_for_4(out) && (is_aligned_for_4(in) && ...);
  run(name, elementwise_kernel<F, Inputs...>,
      blocks_for(ceil_div<std::int64_t>(count, 4), kThreads), kThreads, native_stream(stream),
      function, count, vector, out, in...);
}

}  // namespace engine::cuda
