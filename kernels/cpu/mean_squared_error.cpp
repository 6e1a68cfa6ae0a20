// Mean squared error and its gradient.
#include "kernels/mean_squared_error.h"

#include "kernels/cpu/mean_loss.h"

namespace engine {
namespace cpu {
namespace {

ENGINE_SIMD_CLONES
double sum(const MeanSquaredError& rule, const float* x, const float* t, std::int64_t count) {
  return sum_of_terms(rule, x, t, count);
}

ENGINE_SIMD_CLONES
void gradient(const MeanSquaredError& rule, float scale, const float* x, const float* t, float* dx,
              std::int64_t count) {
  scaled_slopes(rule, scale, x, t, dx, count);
}

}  // namespace
}  // namespace cpu

void register_mean_squared_error_cpu(CandidateRegistry& registry) {
  cpu::add_mean_loss<MeanSquaredError>(registry, cpu::sum, cpu::gradient);
}

}  // namespace engine
