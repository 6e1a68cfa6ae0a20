// Adam and AdamW over all parameters at once.
#include "kernels/cpu/adam.h"

#include "engine/tune/registry.h"

namespace engine {
namespace cpu {

ENGINE_SIMD_CLONES
void update_adam(const OptimizerUpdate<Adam>::Step<float>& step, const AdamSlice& slice) {
  update_elements(step, slice);
}

}  // namespace cpu

void register_adam_cpu(CandidateRegistry& registry) {
  registry.add(cpu::multi_tensor_candidate<OptimizerUpdate<Adam>>("adam", cpu::update_adam));
}

}  // namespace engine
