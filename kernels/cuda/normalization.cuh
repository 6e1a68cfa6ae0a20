// What layer_norm and batch_norm share on the device.
#pragma once

#include "kernels/cuda/common.cuh"

namespace engine::cuda {

struct Moments {
  float mean, variance;
};

/// What one pass over some values gives, after another one has given an estimate of their mean:
/// sums of the deviations from that, and of their squares. The estimate's rounding error cancels.
struct Deviations {
  float estimate, sum, squares;

  /// Of `count` values; 0 of none.
  __device__ Moments moments(float count) const {
    if (count == 0.0f) return {0.0f, 0.0f};
    const float correction = sum / count;
    const float variance = squares / count - correction * correction;
    return {estimate + correction, variance < 0.0f ? 0.0f : variance};  // a NaN stays
  }
};

__device__ inline float inverse_deviation(float variance, float epsilon) {
  return 1.0f / sqrtf(variance + epsilon);
}

// first[i] and second[i] = sums over the parts of partial[part][0][i] and partial[part][1][i].
static __global__ void add_parts_kernel(const float* partial, float* first, float* second,
                                        int parts, int width) {
  const auto i = static_cast<int>(global_thread());
  if (i >= 2 * width) return;
  float sum = 0;
  for (int part = 0; part < parts; ++part)
    sum += partial[static_cast<std::int64_t>(part) * 2 * width + i];
  (i < width ? first[i] : second[i - width]) = sum;
}

/// Adds up pairs of rows of `width` sums that `parts` blocks left in the workspace.
inline void run_add_parts(const char* name, const LaunchArguments& launch, float* first,
                          float* second, int parts, int width) {
  constexpr int kThreads = 128;
  const float* partial = static_cast<const float*>(launch.workspace);
  run(name, add_parts_kernel, blocks_for(2 * std::int64_t{width}, kThreads), kThreads,
      native_stream(launch.stream), partial, first, second, parts, width);
}

/// Bytes of workspace for `rows` rows of `width` floats from every part; none where one block has
/// it all.
inline std::size_t parts_workspace(int parts, int rows, std::int64_t width) {
  return parts == 1 ? 0 : static_cast<std::size_t>(parts * rows * width) * sizeof(float);
}

}  // namespace engine::cuda
