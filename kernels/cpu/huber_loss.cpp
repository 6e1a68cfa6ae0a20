// The Huber loss and its gradient.
#include "kernels/huber_loss.h"

#include "kernels/cpu/mean_loss.h"

namespace engine {
namespace cpu {
namespace {

ENGINE_SIMD_CLONES
double sum(const HuberLoss& rule, const float* x, const float* t, std::int64_t count) {
  return sum_of_terms(rule, x, t, count);
}

ENGINE_SIMD_CLONES
void gradient(const HuberLoss& rule, float scale, const float* x, const float* t, float* dx,
              std::int64_t count) {
  scaled_slopes(rule, scale, x, t, dx, count);
}

}  // namespace
}  // namespace cpu

void register_huber_loss_cpu(CandidateRegistry& registry) {
  cpu::add_mean_loss<HuberLoss>(registry, cpu::sum, cpu::gradient);
}

}  // namespace engine
