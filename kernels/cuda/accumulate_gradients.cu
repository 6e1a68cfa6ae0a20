// The sums of gradients over several steps, in one launch.
#include "kernels/accumulate_gradients.h"

#include "engine/tune/registry.h"
#include "kernels/cuda/multi_tensor.cuh"

namespace engine {

void register_accumulate_gradients_cuda(CandidateRegistry& registry) {
  registry.add(cuda::multi_tensor_candidate<AccumulateGradients>("accumulate_gradients"));
}

}  // namespace engine
