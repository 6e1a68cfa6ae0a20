// Element-wise kernels over functors of one or two floats, for operands of f32 and bf16. A thread
// takes four neighbours, as one access where every operand is so aligned, and element by element at
// a ragged end.
#pragma once

#include "kernels/cuda/quad.cuh"

namespace engine::cuda {

template <class F, class Out, class... Inputs>
__global__ void elementwise_kernel(F function, std::int64_t count, bool vector, Out* out,
                                   const Inputs*... in) {
  for (std::int64_t quad = global_thread(); quad * 4 < count; quad += global_thread_count()) {
    const std::int64_t first = quad * 4;
    if (vector && first + 4 <= count) {
      const auto apply = [&](auto... v) {
        return make_float4(function(v.x...), function(v.y...), function(v.z...), function(v.w...));
      };
      store_floats(out + first, apply(to_floats(load_quad(in + first))...));
    } else {
      for (std::int64_t i = first; i < count && i < first + 4; ++i)
        out[i] = Out(function(static_cast<float>(in[i])...));
    }
  }
}

/// out[i] = function(in[i]...) for operands of `count` elements; out may be any of the inputs.
template <class F, class Out, class... Inputs>
void run_elementwise(const char* name, Stream& stream, F function, std::int64_t count, Out* out,
                     const Inputs*... in) {
  constexpr int kThreads = 256;
  const bool vector = is_aligned_for_4(out) && (is_aligned_for_4(in) && ...);
  run(name, elementwise_kernel<F, Out, Inputs...>,
      blocks_for(ceil_div<std::int64_t>(count, 4), kThreads), kThreads, native_stream(stream),
      function, count, vector, out, in...);
}

}  // namespace engine::cuda
