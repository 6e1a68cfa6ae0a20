// Conversions between f32 and bf16 on the CPU.
#include "kernels/cast.h"

#include "engine/tune/registry.h"
#include "kernels/cpu/bfloat16.h"

namespace engine {
namespace cpu {

ENGINE_SIMD_CLONES
void widen(const bfloat16* x, float* y, std::int64_t count) {
  ENGINE_SIMD_LOOP
  for (std::int64_t i = 0; i < count; ++i) y[i] = x[i];
}

ENGINE_SIMD_CLONES
void narrow(const float* x, bfloat16* y, std::int64_t count) {
  ENGINE_SIMD_LOOP
  for (std::int64_t i = 0; i < count; ++i) y[i] = bfloat16(x[i]);
}

ENGINE_SIMD_CLONES
void round_to_bfloat16(const float* x, float* y, std::int64_t count) {
  ENGINE_SIMD_LOOP
  for (std::int64_t i = 0; i < count; ++i) y[i] = bfloat16(x[i]);
}

namespace {

SimpleCandidate::Launch prepare_cast(const Problem& problem) {
  const bool widens = problem.inputs[0].dtype == DType::bf16;
  return [widens, count = problem.inputs[0].element_count()](const LaunchArguments& arguments) {
    const TensorView &x = arguments.inputs[0], &y = arguments.outputs[0];
    parallel_for(count, kElementGrain, [&](std::int64_t begin, std::int64_t end) {
      widens ? widen(x.as<bfloat16>() + begin, y.as<float>() + begin, end - begin)
             : narrow(x.as<float>() + begin, y.as<bfloat16>() + begin, end - begin);
    });
  };
}

}  // namespace
}  // namespace cpu

void register_cast_cpu(CandidateRegistry& registry) {
  registry.add(SimpleCandidate{.op = "cast",
                               .backend = "cpu",
                               .id = "cpu.simd",
                               .prepare = cpu::prepare_cast,
                               .refuse = refuse_cast});
}

}  // namespace engine
