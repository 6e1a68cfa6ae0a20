// Sigmoid and binary cross-entropy in one, from logits.
#include "kernels/sigmoid_cross_entropy.h"

#include "engine/tune/registry.h"
#include "kernels/cuda/elementwise.cuh"
#include "kernels/cuda/sum.cuh"

namespace engine {
namespace cuda {
namespace {

struct Loss {
  __device__ float operator()(float z, float t) const { return sigmoid_cross_entropy_term(z, t); }
};

struct Gradient {
  const float* dloss;
  float count;
  __device__ float operator()(float z, float t) const {
    return sigmoid_cross_entropy_slope(z, t, *dloss / count);
  }
};

void launch_sigmoid_cross_entropy(const LaunchArguments& launch) {
  const std::int64_t count = launch.inputs[0].type.element_count();
  const float* logits = launch.inputs[0].as<float>();
  const float* targets = launch.inputs[1].as<float>();
  run_sum("sigmoid_cross_entropy", launch.stream, launch.workspace, Loss{}, MeanOf{count}, count,
          launch.outputs[0].as<float>(), logits, targets);
}

void launch_sigmoid_cross_entropy_gradient(const LaunchArguments& launch) {
  const std::int64_t count = launch.inputs[0].type.element_count();
  const float* logits = launch.inputs[0].as<float>();
  const float* targets = launch.inputs[1].as<float>();
  run_elementwise("sigmoid_cross_entropy_gradient", launch.stream,
                  Gradient{launch.inputs[2].as<float>(), static_cast<float>(count)}, count,
                  launch.outputs[0].as<float>(), logits, targets);
}

}  // namespace
}  // namespace cuda

void register_sigmoid_cross_entropy_cuda(CandidateRegistry& registry) {
  registry.add(
      SimpleCandidate{.op = "sigmoid_cross_entropy",
                      .backend = "cuda",
                      .id = "cuda.simt",
                      .prepare =
                          [](const Problem&) {
                            return SimpleCandidate::Launch(cuda::launch_sigmoid_cross_entropy);
                          },
                      .workspace =
                          [](const Problem& problem) {
                            return cuda::sum_workspace<float>(problem.inputs[0].element_count());
                          }});
  registry.add(SimpleCandidate{.op = "sigmoid_cross_entropy_gradient",
                               .backend = "cuda",
                               .id = "cuda.simt",
                               .prepare = [](const Problem&) {
                                 return SimpleCandidate::Launch(
                                     cuda::launch_sigmoid_cross_entropy_gradient);
                               }});
}

}  // namespace engine
