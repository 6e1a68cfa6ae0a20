// RMSprop over all parameters in one launch.
#include "kernels/rmsprop.h"

#include "engine/tune/registry.h"
#include "kernels/cuda/optimizer.cuh"

namespace engine {
namespace cuda {
namespace {

struct RmspropRule {
  float rho, epsilon;
  __device__ Updated operator()(float rate, float parameter, float gradient, float square) const {
    const float next = rho * square + (1.0f - rho) * gradient * gradient;
    return {parameter - rate * gradient / (sqrtf(next) + epsilon), next};
  }
};

SimpleCandidate::Launch prepare_rmsprop(const Problem& problem) {
  const auto operands = OptimizerOperands::of(problem);
  const auto attributes = RmspropAttributes::from(problem.attributes);
  return [operands,
          rule = RmspropRule{attributes.rho, attributes.epsilon}](const LaunchArguments& launch) {
    run_update("rmsprop", launch, operands, true, rule);
  };
}

}  // namespace
}  // namespace cuda

void register_rmsprop_cuda(CandidateRegistry& registry) {
  registry.add(SimpleCandidate{.op = "rmsprop",
                               .backend = "cuda",
                               .id = "cuda.multi_tensor",
                               .prepare = cuda::prepare_rmsprop});
}

}  // namespace engine
