// Adagrad over all parameters in one launch.
#include "kernels/adagrad.h"

#include "engine/tune/registry.h"
#include "kernels/cuda/multi_tensor.cuh"

namespace engine {

void register_adagrad_cuda(CandidateRegistry& registry) {
  registry.add(cuda::multi_tensor_candidate<OptimizerUpdate<Adagrad>>("adagrad"));
}

}  // namespace engine
