// Stochastic gradient descent over all parameters in one launch, with or without momentum.
#include "kernels/sgd.h"

#include "engine/tune/registry.h"
#include "kernels/cuda/optimizer.cuh"

namespace engine {
namespace cuda {
namespace {

struct SgdRule {
  float momentum;
  __device__ Updated operator()(float rate, float parameter, float gradient, float velocity) const {
    const float next = momentum * velocity + gradient;
    return {parameter - rate * next, next};
  }
};

SimpleCandidate::Launch prepare_sgd(const Problem& problem) {
  const auto operands = OptimizerOperands::of(problem);
  const SgdRule rule{SgdAttributes::from(problem.attributes).momentum};
  return [operands, rule](const LaunchArguments& launch) {
    run_update("sgd", launch, operands, rule.momentum > 0, rule);
  };
}

}  // namespace
}  // namespace cuda

void register_sgd_cuda(CandidateRegistry& registry) {
  registry.add(SimpleCandidate{
      .op = "sgd", .backend = "cuda", .id = "cuda.multi_tensor", .prepare = cuda::prepare_sgd});
}

}  // namespace engine
