// Sigmoid and binary cross-entropy in one, from logits.
#include "kernels/sigmoid_cross_entropy.h"

#include "kernels/cuda/mean_loss.cuh"

namespace engine {

void register_sigmoid_cross_entropy_cuda(CandidateRegistry& registry) {
  cuda::add_mean_loss<SigmoidCrossEntropy>(registry);
}

}  // namespace engine
