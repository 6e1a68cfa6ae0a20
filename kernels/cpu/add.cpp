// Element-wise sum.
#include "kernels/add.h"

#include "engine/device/cpu/parallel.h"
#include "engine/tune/registry.h"
#include "kernels/cpu/simd.h"

namespace engine {
namespace cpu {
namespace {

ENGINE_SIMD_CLONES
void add(const float* a, const float* b, float* sum, std::int64_t begin, std::int64_t end) {
  ENGINE_SIMD_LOOP
  for (std::int64_t i = begin; i < end; ++i) sum[i] = a[i] + b[i];
}

SimpleCandidate::Launch prepare(const Problem& problem) {
  return [count = problem.inputs[0].element_count()](const LaunchArguments& arguments) {
    const float* a = arguments.inputs[0].as<float>();
    const float* b = arguments.inputs[1].as<float>();
    float* sum = arguments.outputs[0].as<float>();
    parallel_for(count, kElementGrain,
                 [&](std::int64_t begin, std::int64_t end) { add(a, b, sum, begin, end); });
  };
}

}  // namespace
}  // namespace cpu

void register_add_cpu(CandidateRegistry& registry) {
  registry.add(
      SimpleCandidate{.op = "add", .backend = "cpu", .id = "cpu.simd", .prepare = cpu::prepare});
}

}  // namespace engine
