// Sigmoid and binary cross-entropy in one, from logits.
#include "kernels/sigmoid_cross_entropy.h"

#include "kernels/cpu/mean_loss.h"

namespace engine {
namespace cpu {
namespace {

ENGINE_SIMD_CLONES
double sum(const SigmoidCrossEntropy& rule, const float* x, const float* t, std::int64_t count) {
  return sum_of_terms(rule, x, t, count);
}

ENGINE_SIMD_CLONES
void gradient(const SigmoidCrossEntropy& rule, float scale, const float* x, const float* t,
              float* dx, std::int64_t count) {
  scaled_slopes(rule, scale, x, t, dx, count);
}

}  // namespace
}  // namespace cpu

void register_sigmoid_cross_entropy_cpu(CandidateRegistry& registry) {
  cpu::add_mean_loss<SigmoidCrossEntropy>(registry, cpu::sum, cpu::gradient);
}

}  // namespace engine
