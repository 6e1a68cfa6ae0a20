// The Huber loss and its gradient.
#include "kernels/huber_loss.h"

#include "kernels/cuda/mean_loss.cuh"

namespace engine {

void register_huber_loss_cuda(CandidateRegistry& registry) {
  cuda::add_mean_loss<HuberLoss>(registry);
}

}  // namespace engine
