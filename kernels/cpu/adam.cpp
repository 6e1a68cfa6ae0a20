// Adam and AdamW over all parameters at once.
#include "kernels/adam.h"

#include "engine/tune/registry.h"
#include "kernels/cpu/multi_tensor.h"

namespace engine {
namespace cpu {
namespace {

using Rule = OptimizerUpdate<Adam>;

ENGINE_SIMD_CLONES
void update(const Rule::Step<float>& step, const Slice<Rule::kStates>& slice) {
  update_elements(step, slice);
}

}  // namespace
}  // namespace cpu

void register_adam_cpu(CandidateRegistry& registry) {
  registry.add(cpu::multi_tensor_candidate<cpu::Rule>("adam", cpu::update));
}

}  // namespace engine
