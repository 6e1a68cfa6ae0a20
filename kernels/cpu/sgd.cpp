// Stochastic gradient descent over all parameters at once.
#include "kernels/sgd.h"

#include "engine/tune/registry.h"
#include "kernels/cpu/optimizer.h"

namespace engine {
namespace cpu {
namespace {

ENGINE_SIMD_CLONES
void plain(const float* p, const float* g, float* new_p, std::int64_t begin, std::int64_t end,
           float rate) {
  ENGINE_SIMD_LOOP
  for (std::int64_t i = begin; i < end; ++i) new_p[i] = p[i] - rate * g[i];
}

ENGINE_SIMD_CLONES
void with_momentum(const float* p, const float* g, const float* v, float* new_p, float* new_v,
                   std::int64_t begin, std::int64_t end, float rate, float momentum) {
  ENGINE_SIMD_LOOP
  for (std::int64_t i = begin; i < end; ++i) {
    const float velocity = momentum * v[i] + g[i];
    new_v[i] = velocity;
    new_p[i] = p[i] - rate * velocity;
  }
}

SimpleCandidate::Launch prepare(const Problem& problem) {
  return [all = Concatenation(problem), operands = OptimizerOperands::of(problem),
          attributes = SgdAttributes::from(problem.attributes)](const LaunchArguments& arguments) {
    const auto& in = arguments.inputs;
    const auto& out = arguments.outputs;
    const float rate = *in[0].as<float>();
    all.for_each([&](std::size_t n, std::int64_t begin, std::int64_t end) {
      const float* p = in[operands.parameter(n)].as<float>();
      const float* g = in[operands.gradient(n)].as<float>();
      float* new_p = out[operands.new_parameter(n)].as<float>();
      if (attributes.momentum == 0) return plain(p, g, new_p, begin, end, rate);
      with_momentum(p, g, in[operands.moment(n)].as<float>(), new_p,
                    out[operands.new_moment(n)].as<float>(), begin, end, rate, attributes.momentum);
    });
  };
}

}  // namespace
}  // namespace cpu

void register_sgd_cpu(CandidateRegistry& registry) {
  registry.add(
      SimpleCandidate{.op = "sgd", .backend = "cpu", .id = "cpu.simd", .prepare = cpu::prepare});
}

}  // namespace engine
