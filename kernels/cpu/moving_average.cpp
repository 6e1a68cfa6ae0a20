// Running averages of all statistics at once.
#include "kernels/moving_average.h"

#include "engine/tune/registry.h"
#include "kernels/cpu/multi_tensor.h"

namespace engine {
namespace cpu {
namespace {

using Rule = MovingAverage;

ENGINE_SIMD_CLONES
void update(const Rule::Step<float>& step, const Slice<Rule::kStates>& slice) {
  update_elements(step, slice);
}

}  // namespace
}  // namespace cpu

void register_moving_average_cpu(CandidateRegistry& registry) {
  registry.add(cpu::multi_tensor_candidate<cpu::Rule>("moving_average", cpu::update));
}

}  // namespace engine
