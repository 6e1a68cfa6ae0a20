// Runs the rules of kernels/mean_loss.h on the CPU. An op brings two functions, so that they can be
// compiled once a SIMD level (kernels/cpu/simd.h):
//
//   ENGINE_SIMD_CLONES
//   double sum(const Rule& rule, const float* x, const float* t, std::int64_t count) {
//     return sum_of_terms(rule, x, t, count);
//   }
//   ENGINE_SIMD_CLONES
//   void gradient(const Rule& rule, float scale, const float* x, const float* t, float* dx,
//                 std::int64_t count) {
//     scaled_slopes(rule, scale, x, t, dx, count);
//   }
#pragma once

#include <string>

#include "engine/tune/registry.h"
#include "kernels/cpu/block_sums.h"
#include "kernels/cpu/lanes.h"
#include "kernels/mean_loss.h"

namespace engine::cpu {

template <MeanLossRule Rule>
ENGINE_SIMD_INLINE double sum_of_terms(const Rule& rule, const float* x, const float* t,
                                       std::int64_t count) {
  return sum_terms(count, [=](std::int64_t i) { return double{rule.term(x[i], t[i])}; });
}

template <MeanLossRule Rule>
ENGINE_SIMD_INLINE void scaled_slopes(const Rule& rule, float scale, const float* x, const float* t,
                                      float* dx, std::int64_t count) {
  const Rule local = rule;  // no store through dx can change it
  ENGINE_SIMD_LOOP
  for (std::int64_t i = 0; i < count; ++i) dx[i] = local.slope(x[i], t[i]) * scale;
}

template <class Rule>
using SumFunction = double (*)(const Rule&, const float* x, const float* t, std::int64_t count);
template <class Rule>
using GradientFunction = void (*)(const Rule&, float scale, const float* x, const float* t,
                                  float* dx, std::int64_t count);

template <MeanLossRule Rule>
SimpleCandidate::Launch mean_loss_launch(const Problem& problem, SumFunction<Rule> sum) {
  return [sums = BlockSums{problem.inputs[0].element_count()}, sum,
          rule = Rule::from(problem.attributes)](const LaunchArguments& arguments) {
    const float* x = arguments.inputs[0].as<float>();
    const float* t = arguments.inputs[1].as<float>();
    *arguments.outputs[0].as<float>() =
        sums.mean(arguments.workspace, [&](std::int64_t begin, std::int64_t end) {
          return sum(rule, x + begin, t + begin, end - begin);
        });
  };
}

template <MeanLossRule Rule>
SimpleCandidate::Launch mean_loss_gradient_launch(const Problem& problem,
                                                  GradientFunction<Rule> gradient) {
  return [count = problem.inputs[0].element_count(), gradient,
          rule = Rule::from(problem.attributes)](const LaunchArguments& arguments) {
    const float* x = arguments.inputs[0].as<float>();
    const float* t = arguments.inputs[1].as<float>();
    const float scale = *arguments.inputs[2].as<float>() / static_cast<float>(count);
    float* dx = arguments.outputs[0].as<float>();
    parallel_for(count, kElementGrain, [&](std::int64_t begin, std::int64_t end) {
      gradient(rule, scale, x + begin, t + begin, dx + begin, end - begin);
    });
  };
}

/// Adds the candidates of a loss and of its gradient.
template <MeanLossRule Rule>
void add_mean_loss(CandidateRegistry& registry, SumFunction<Rule> sum,
                   GradientFunction<Rule> gradient) {
  registry.add(SimpleCandidate{
      .op = Rule::kName,
      .backend = "cpu",
      .id = "cpu.simd",
      .prepare = [sum](const Problem& problem) { return mean_loss_launch<Rule>(problem, sum); },
      .workspace =
          [](const Problem& problem) {
            return BlockSums{problem.inputs[0].element_count()}.workspace();
          }});
  registry.add(SimpleCandidate{.op = std::string(Rule::kName) + "_gradient",
                               .backend = "cpu",
                               .id = "cpu.simd",
                               .prepare = [gradient](const Problem& problem) {
                                 return mean_loss_gradient_launch<Rule>(problem, gradient);
                               }});
}

}  // namespace engine::cpu
