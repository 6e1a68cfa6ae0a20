// ReLU and its gradient.
#include "kernels/relu.h"

#include "engine/device/cpu/parallel.h"
#include "engine/tune/registry.h"
#include "kernels/cpu/simd.h"

namespace engine {
namespace cpu {
namespace {

// The comparison is false for NaN, which therefore passes, and true for -0, which becomes 0.
ENGINE_SIMD_CLONES
void relu(const float* x, float* y, std::int64_t begin, std::int64_t end) {
  ENGINE_SIMD_LOOP
  for (std::int64_t i = begin; i < end; ++i) y[i] = x[i] <= 0.0f ? 0.0f : x[i];
}

ENGINE_SIMD_CLONES
void relu_gradient(const float* dy, const float* y, float* dx, std::int64_t begin, std::int64_t end,
                   float scale) {
  ENGINE_SIMD_LOOP
  for (std::int64_t i = begin; i < end; ++i) {
    const float scaled = dy[i] * scale;
    dx[i] = y[i] > 0.0f ? scaled : 0.0f;
  }
}

SimpleCandidate::Launch prepare_relu(const Problem& problem) {
  return [count = problem.inputs[0].element_count()](const LaunchArguments& arguments) {
    const float* x = arguments.inputs[0].as<float>();
    float* y = arguments.outputs[0].as<float>();
    parallel_for(count, kElementGrain,
                 [&](std::int64_t begin, std::int64_t end) { relu(x, y, begin, end); });
  };
}

SimpleCandidate::Launch prepare_relu_gradient(const Problem& problem) {
  const auto scale = static_cast<float>(problem.attributes.real("scale"));
  return [scale, count = problem.inputs[0].element_count()](const LaunchArguments& arguments) {
    const float* dy = arguments.inputs[0].as<float>();
    const float* y = arguments.inputs[1].as<float>();
    float* dx = arguments.outputs[0].as<float>();
    parallel_for(count, kElementGrain, [&](std::int64_t begin, std::int64_t end) {
      relu_gradient(dy, y, dx, begin, end, scale);
    });
  };
}

}  // namespace
}  // namespace cpu

void register_relu_cpu(CandidateRegistry& registry) {
  registry.add(SimpleCandidate{
      .op = "relu", .backend = "cpu", .id = "cpu.simd", .prepare = cpu::prepare_relu});
  registry.add(SimpleCandidate{.op = "relu_gradient",
                               .backend = "cpu",
                               .id = "cpu.simd",
                               .prepare = cpu::prepare_relu_gradient});
}

}  // namespace engine
