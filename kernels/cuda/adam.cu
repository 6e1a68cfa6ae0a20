// Adam and AdamW over all parameters in one launch.
#include "kernels/adam.h"

#include "engine/tune/registry.h"
#include "kernels/cuda/multi_tensor.cuh"

namespace engine {

void register_adam_cuda(CandidateRegistry& registry) {
  registry.add(cuda::multi_tensor_candidate<OptimizerUpdate<Adam>>("adam"));
}

}  // namespace engine
