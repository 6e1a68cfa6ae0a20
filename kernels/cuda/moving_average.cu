// Running averages of all statistics at once, in one launch.
#include "kernels/moving_average.h"

#include "engine/tune/registry.h"
#include "kernels/cuda/multi_tensor.cuh"

namespace engine {

void register_moving_average_cuda(CandidateRegistry& registry) {
  registry.add(cuda::multi_tensor_candidate<MovingAverage>("moving_average"));
}

}  // namespace engine
