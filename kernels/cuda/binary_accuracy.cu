// Count of correct yes-or-no answers.
#include "kernels/binary_accuracy.h"

#include "engine/tune/registry.h"
#include "kernels/cuda/sum.cuh"

namespace engine {
namespace cuda {
namespace {

struct IsCorrect {
  __device__ int operator()(float z, float t) const {
    return z == z && t == t && (z > 0.0f) == (t > 0.5f);  // a NaN is no equal of itself
  }
};

void launch_count(const LaunchArguments& launch) {
  const float* logits = launch.inputs[0].as<float>();
  const float* targets = launch.inputs[1].as<float>();
  run_sum("binary_accuracy", launch.stream, launch.workspace, IsCorrect{}, Identity{},
          launch.inputs[0].type.element_count(), launch.outputs[0].as<std::int32_t>(), logits,
          targets);
}

}  // namespace
}  // namespace cuda

void register_binary_accuracy_cuda(CandidateRegistry& registry) {
  registry.add(SimpleCandidate{
      .op = "binary_accuracy",
      .backend = "cuda",
      .id = "cuda.simt",
      .prepare = [](const Problem&) { return SimpleCandidate::Launch(cuda::launch_count); },
      .workspace =
          [](const Problem& problem) {
            return cuda::sum_workspace<std::int32_t>(problem.inputs[0].element_count());
          }});
}

}  // namespace engine
