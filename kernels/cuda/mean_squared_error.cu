// Mean squared error and its gradient.
#include "kernels/mean_squared_error.h"

#include "kernels/cuda/mean_loss.cuh"

namespace engine {

void register_mean_squared_error_cuda(CandidateRegistry& registry) {
  cuda::add_mean_loss<MeanSquaredError>(registry);
}

}  // namespace engine
