// Stochastic gradient descent over all parameters in one launch.
#include "kernels/sgd.h"

#include "engine/tune/registry.h"
#include "kernels/cuda/multi_tensor.cuh"

namespace engine {
namespace cuda {
namespace {

SimpleCandidate::Launch prepare_sgd(const Problem& problem) {
  return problem.attributes.real("momentum") != 0
             ? multi_tensor_launch<OptimizerUpdate<Sgd<true>>>("sgd", problem)
             : multi_tensor_launch<OptimizerUpdate<Sgd<false>>>("sgd", problem);
}

}  // namespace
}  // namespace cuda

void register_sgd_cuda(CandidateRegistry& registry) {
  registry.add(SimpleCandidate{
      .op = "sgd", .backend = "cuda", .id = "cuda.multi_tensor", .prepare = cuda::prepare_sgd});
}

}  // namespace engine
