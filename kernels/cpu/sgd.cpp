// Stochastic gradient descent over all parameters at once.
#include "kernels/sgd.h"

#include "engine/tune/registry.h"
#include "kernels/cpu/multi_tensor.h"

namespace engine {
namespace cpu {
namespace {

using Plain = OptimizerUpdate<Sgd<false>>;
using WithMomentum = OptimizerUpdate<Sgd<true>>;

ENGINE_SIMD_CLONES
void update_plain(const Plain::Step<float>& step, const Slice<Plain::kStates>& slice) {
  update_elements(step, slice);
}

ENGINE_SIMD_CLONES
void update_with_momentum(const WithMomentum::Step<float>& step,
                          const Slice<WithMomentum::kStates>& slice) {
  update_elements(step, slice);
}

SimpleCandidate::Launch prepare(const Problem& problem) {
  return problem.attributes.real("momentum") != 0
             ? multi_tensor_launch<WithMomentum>(problem, update_with_momentum)
             : multi_tensor_launch<Plain>(problem, update_plain);
}

}  // namespace
}  // namespace cpu

void register_sgd_cpu(CandidateRegistry& registry) {
  registry.add(
      SimpleCandidate{.op = "sgd", .backend = "cpu", .id = "cpu.simd", .prepare = cpu::prepare});
}

}  // namespace engine
