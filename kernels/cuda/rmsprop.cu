// RMSprop over all parameters in one launch.
#include "kernels/rmsprop.h"

#include "engine/tune/registry.h"
#include "kernels/cuda/multi_tensor.cuh"

namespace engine {

void register_rmsprop_cuda(CandidateRegistry& registry) {
  registry.add(cuda::multi_tensor_candidate<OptimizerUpdate<Rmsprop>>("rmsprop"));
}

}  // namespace engine
