// Adadelta over all parameters in one launch.
#include "kernels/adadelta.h"

#include "engine/tune/registry.h"
#include "kernels/cuda/multi_tensor.cuh"

namespace engine {

void register_adadelta_cuda(CandidateRegistry& registry) {
  registry.add(cuda::multi_tensor_candidate<OptimizerUpdate<Adadelta>>("adadelta"));
}

}  // namespace engine
