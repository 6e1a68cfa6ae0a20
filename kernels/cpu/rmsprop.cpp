// RMSprop over all parameters at once.
#include "kernels/rmsprop.h"

#include <cmath>

#include "engine/tune/registry.h"
#include "kernels/cpu/optimizer.h"

namespace engine {
namespace cpu {
namespace {

ENGINE_SIMD_CLONES
void update(const float* p, const float* g, const float* s, float* new_p, float* new_s,
            std::int64_t begin, std::int64_t end, float rate, float rho, float epsilon) {
  ENGINE_SIMD_LOOP
  for (std::int64_t i = begin; i < end; ++i) {
    const float moment = rho * s[i] + (1.0f - rho) * g[i] * g[i];
    new_s[i] = moment;
    new_p[i] = p[i] - rate * g[i] / (std::sqrt(moment) + epsilon);
  }
}

SimpleCandidate::Launch prepare(const Problem& problem) {
  return
      [all = Concatenation(problem), operands = OptimizerOperands::of(problem),
       attributes = RmspropAttributes::from(problem.attributes)](const LaunchArguments& arguments) {
        const auto& in = arguments.inputs;
        const auto& out = arguments.outputs;
        const float rate = *in[0].as<float>();
        all.for_each([&](std::size_t n, std::int64_t begin, std::int64_t end) {
          update(in[operands.parameter(n)].as<float>(), in[operands.gradient(n)].as<float>(),
                 in[operands.moment(n)].as<float>(), out[operands.new_parameter(n)].as<float>(),
                 out[operands.new_moment(n)].as<float>(), begin, end, rate, attributes.rho,
                 attributes.epsilon);
        });
      };
}

}  // namespace
}  // namespace cpu

void register_rmsprop_cpu(CandidateRegistry& registry) {
  registry.add(SimpleCandidate{
      .op = "rmsprop", .backend = "cpu", .id = "cpu.simd", .prepare = cpu::prepare});
}

}  // namespace engine
