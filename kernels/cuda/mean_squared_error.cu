// Mean squared error and its gradient.
#include "kernels/mean_squared_error.h"

#include "engine/tune/registry.h"
#include "kernels/cuda/elementwise.cuh"
#include "kernels/cuda/sum.cuh"

namespace engine {
namespace cuda {
namespace {

struct SquaredDifference {
  __device__ float operator()(float prediction, float target) const {
    const float difference = prediction - target;
    return difference * difference;
  }
};

struct SquaredDifferenceGradient {
  const float* dloss;
  float count;
  __device__ float operator()(float prediction, float target) const {
    return 2.0f * (prediction - target) * (*dloss / count);
  }
};

void launch_mean_squared_error(const LaunchArguments& launch) {
  const std::int64_t count = launch.inputs[0].type.element_count();
  const float* prediction = launch.inputs[0].as<float>();
  const float* target = launch.inputs[1].as<float>();
  run_sum("mean_squared_error", launch.stream, launch.workspace, SquaredDifference{}, MeanOf{count},
          count, launch.outputs[0].as<float>(), prediction, target);
}

void launch_mean_squared_error_gradient(const LaunchArguments& launch) {
  const std::int64_t count = launch.inputs[0].type.element_count();
  const float* prediction = launch.inputs[0].as<float>();
  const float* target = launch.inputs[1].as<float>();
  run_elementwise(
      "mean_squared_error_gradient", launch.stream,
      SquaredDifferenceGradient{launch.inputs[2].as<float>(), static_cast<float>(count)}, count,
      launch.outputs[0].as<float>(), prediction, target);
}

}  // namespace
}  // namespace cuda

void register_mean_squared_error_cuda(CandidateRegistry& registry) {
  registry.add(SimpleCandidate{
      .op = "mean_squared_error",
      .backend = "cuda",
      .id = "cuda.simt",
      .prepare =
          [](const Problem&) { return SimpleCandidate::Launch(cuda::launch_mean_squared_error); },
      .workspace =
          [](const Problem& problem) {
            return cuda::sum_workspace<float>(problem.inputs[0].element_count());
          }});
  registry.add(SimpleCandidate{.op = "mean_squared_error_gradient",
                               .backend = "cuda",
                               .id = "cuda.simt",
                               .prepare = [](const Problem&) {
                                 return SimpleCandidate::Launch(
                                     cuda::launch_mean_squared_error_gradient);
                               }});
}

}  // namespace engine
