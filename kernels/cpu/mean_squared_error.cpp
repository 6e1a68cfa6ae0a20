// Mean squared error and its gradient.
#include "kernels/mean_squared_error.h"

#include "engine/tune/registry.h"
#include "kernels/cpu/block_sums.h"
#include "kernels/cpu/lanes.h"

namespace engine {
namespace cpu {
namespace {

ENGINE_SIMD_CLONES
double sum_of_squares(const float* prediction, const float* target, std::int64_t count) {
  return sum_terms(count, [=](std::int64_t i) {
    const double difference = prediction[i] - target[i];
    return difference * difference;
  });
}

ENGINE_SIMD_CLONES
void gradient(const float* prediction, const float* target, float* out, std::int64_t count,
              float scale) {
  ENGINE_SIMD_LOOP
  for (std::int64_t i = 0; i < count; ++i) out[i] = (prediction[i] - target[i]) * scale;
}

SimpleCandidate::Launch prepare_loss(const Problem& problem) {
  return [sums = BlockSums{problem.inputs[0].element_count()}](const LaunchArguments& arguments) {
    const float* prediction = arguments.inputs[0].as<float>();
    const float* target = arguments.inputs[1].as<float>();
    *arguments.outputs[0].as<float>() =
        sums.mean(arguments.workspace, [&](std::int64_t begin, std::int64_t end) {
          return sum_of_squares(prediction + begin, target + begin, end - begin);
        });
  };
}

SimpleCandidate::Launch prepare_gradient(const Problem& problem) {
  return [count = problem.inputs[0].element_count()](const LaunchArguments& arguments) {
    const float* prediction = arguments.inputs[0].as<float>();
    const float* target = arguments.inputs[1].as<float>();
    const float scale = 2.0f * *arguments.inputs[2].as<float>() / static_cast<float>(count);
    float* out = arguments.outputs[0].as<float>();
    parallel_for(count, kElementGrain, [&](std::int64_t begin, std::int64_t end) {
      gradient(prediction + begin, target + begin, out + begin, end - begin, scale);
    });
  };
}

}  // namespace
}  // namespace cpu

void register_mean_squared_error_cpu(CandidateRegistry& registry) {
  registry.add(
      SimpleCandidate{.op = "mean_squared_error",
                      .backend = "cpu",
                      .id = "cpu.simd",
                      .prepare = cpu::prepare_loss,
                      .workspace = [](const Problem& problem) {
                        return cpu::BlockSums{problem.inputs[0].element_count()}.workspace();
                      }});
  registry.add(SimpleCandidate{.op = "mean_squared_error_gradient",
                               .backend = "cpu",
                               .id = "cpu.simd",
                               .prepare = cpu::prepare_gradient});
}

}  // namespace engine
