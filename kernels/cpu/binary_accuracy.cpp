// Count of correct yes-or-no answers.
#include "kernels/binary_accuracy.h"

#include "engine/tune/registry.h"
#include "kernels/cpu/block_sums.h"

namespace engine {
namespace cpu {
namespace {

// A NaN is no equal of itself.
ENGINE_SIMD_CLONES
std::int32_t count_correct(const float* logits, const float* targets, std::int64_t count) {
  std::int32_t correct = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const float z = logits[i], t = targets[i];
    correct += (z == z) & (t == t) & ((z > 0.0f) == (t > 0.5f));
  }
  return correct;
}

SimpleCandidate::Launch prepare(const Problem& problem) {
  return [sums = BlockSums{problem.inputs[0].element_count()}](const LaunchArguments& arguments) {
    const float* logits = arguments.inputs[0].as<float>();
    const float* targets = arguments.inputs[1].as<float>();
    *arguments.outputs[0].as<std::int32_t>() = static_cast<std::int32_t>(
        sums(arguments.workspace, [&](std::int64_t begin, std::int64_t end) {
          return count_correct(logits + begin, targets + begin, end - begin);
        }));
  };
}

}  // namespace
}  // namespace cpu

void register_binary_accuracy_cpu(CandidateRegistry& registry) {
  registry.add(
      SimpleCandidate{.op = "binary_accuracy",
                      .backend = "cpu",
                      .id = "cpu.simd",
                      .prepare = cpu::prepare,
                      .workspace = [](const Problem& problem) {
                        return cpu::BlockSums{problem.inputs[0].element_count()}.workspace();
                      }});
}

}  // namespace engine
