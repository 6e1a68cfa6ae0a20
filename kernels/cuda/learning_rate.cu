// The schedule of the learning rate: one thread.
#include "kernels/learning_rate.h"

#include "engine/tune/registry.h"
#include "kernels/cuda/common.cuh"

namespace engine {
namespace cuda {
namespace {

__global__ void learning_rate_kernel(LearningRateAttributes attributes, const float* base,
                                     const std::int64_t* step, float* rate) {
  *rate = static_cast<float>(scheduled_rate(attributes, static_cast<double>(*base), *step));
}

SimpleCandidate::Launch prepare_learning_rate(const Problem& problem) {
  return [attributes =
              LearningRateAttributes::from(problem.attributes)](const LaunchArguments& launch) {
    run("learning_rate", learning_rate_kernel, dim3(1), 1, native_stream(launch.stream), attributes,
        launch.inputs[0].as<float>(), launch.inputs[1].as<std::int64_t>(),
        launch.outputs[0].as<float>());
  };
}

}  // namespace
}  // namespace cuda

void register_learning_rate_cuda(CandidateRegistry& registry) {
  registry.add(SimpleCandidate{.op = "learning_rate",
                               .backend = "cuda",
                               .id = "cuda.simt",
                               .prepare = cuda::prepare_learning_rate});
}

}  // namespace engine
