// Sigmoid folded into the binary cross-entropy.
#include "kernels/sigmoid_cross_entropy.h"

#include "engine/tune/registry.h"
#include "kernels/cpu/block_sums.h"
#include "kernels/cpu/lanes.h"

namespace engine {
namespace cpu {
namespace {

ENGINE_SIMD_CLONES
double sum_of_losses(const float* logits, const float* targets, std::int64_t count) {
  return sum_terms(count, [=](std::int64_t i) {
    return double{sigmoid_cross_entropy_term(logits[i], targets[i])};
  });
}

ENGINE_SIMD_CLONES
void gradient(const float* logits, const float* targets, float* out, std::int64_t count,
              float scale) {
  ENGINE_SIMD_LOOP
  for (std::int64_t i = 0; i < count; ++i)
    out[i] = sigmoid_cross_entropy_slope(logits[i], targets[i], scale);
}

SimpleCandidate::Launch prepare_loss(const Problem& problem) {
  return [sums = BlockSums{problem.inputs[0].element_count()}](const LaunchArguments& arguments) {
    const float* logits = arguments.inputs[0].as<float>();
    const float* targets = arguments.inputs[1].as<float>();
    *arguments.outputs[0].as<float>() =
        sums.mean(arguments.workspace, [&](std::int64_t begin, std::int64_t end) {
          return sum_of_losses(logits + begin, targets + begin, end - begin);
        });
  };
}

SimpleCandidate::Launch prepare_gradient(const Problem& problem) {
  return [count = problem.inputs[0].element_count()](const LaunchArguments& arguments) {
    const float* logits = arguments.inputs[0].as<float>();
    const float* targets = arguments.inputs[1].as<float>();
    const float scale = *arguments.inputs[2].as<float>() / static_cast<float>(count);
    float* out = arguments.outputs[0].as<float>();
    parallel_for(count, kElementGrain, [&](std::int64_t begin, std::int64_t end) {
      gradient(logits + begin, targets + begin, out + begin, end - begin, scale);
    });
  };
}

}  // namespace
}  // namespace cpu

void register_sigmoid_cross_entropy_cpu(CandidateRegistry& registry) {
  registry.add(
      SimpleCandidate{.op = "sigmoid_cross_entropy",
                      .backend = "cpu",
                      .id = "cpu.simd",
                      .prepare = cpu::prepare_loss,
                      .workspace = [](const Problem& problem) {
                        return cpu::BlockSums{problem.inputs[0].element_count()}.workspace();
                      }});
  registry.add(SimpleCandidate{.op = "sigmoid_cross_entropy_gradient",
                               .backend = "cpu",
                               .id = "cpu.simd",
                               .prepare = cpu::prepare_gradient});
}

}  // namespace engine
