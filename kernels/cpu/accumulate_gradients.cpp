// The sums of gradients over several steps.
#include "kernels/accumulate_gradients.h"

#include "engine/tune/registry.h"
#include "kernels/cpu/multi_tensor.h"

namespace engine {
namespace cpu {
namespace {

using Rule = AccumulateGradients;

ENGINE_SIMD_CLONES
void update(const Rule::Step<float>& step, const Slice<Rule::kStates>& slice) {
  update_elements(step, slice);
}

}  // namespace
}  // namespace cpu

void register_accumulate_gradients_cpu(CandidateRegistry& registry) {
  registry.add(cpu::multi_tensor_candidate<cpu::Rule>("accumulate_gradients", cpu::update));
}

}  // namespace engine
