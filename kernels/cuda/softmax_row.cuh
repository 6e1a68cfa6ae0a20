// What a softmax needs to know of a row.
#pragma once

#include "kernels/cuda/common.cuh"

namespace engine::cuda {

/// Maximum of a row's logits and sum of exp(logit - maximum). A NaN may be lost on the maximum,
/// never on the sum.
struct SoftmaxStatistics {
  float maximum, sum;
};

/// By kWarps warps, `thread` being the place among them; `shared` as for group_sum.
template <int kWarps>
__device__ SoftmaxStatistics softmax_statistics(const float* row, int length, int thread,
                                                float* shared) {
  constexpr int kThreads = kWarps * kWarp;
  float maximum = -INFINITY;
  for (int j = thread; j < length; j += kThreads) maximum = fmaxf(maximum, row[j]);
  maximum = group_max<kWarps>(maximum, shared);
  float sum = 0;
  for (int j = thread; j < length; j += kThreads) sum += expf(row[j] - maximum);
  return {maximum, group_sum<kWarps>(sum, shared)};
}

}  // namespace engine::cuda
