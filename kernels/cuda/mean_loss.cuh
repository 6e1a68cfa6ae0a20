// Runs the rules of kernels/mean_loss.h: a sum and an element-wise kernel.
#pragma once

#include <string>

#include "engine/tune/registry.h"
#include "kernels/cuda/elementwise.cuh"
#include "kernels/cuda/sum.cuh"
#include "kernels/mean_loss.h"

namespace engine::cuda {

template <MeanLossRule Rule>
struct LossTerm {
  Rule rule;
  __device__ float operator()(float x, float t) const { return rule.term(x, t); }
};

template <MeanLossRule Rule>
struct ScaledLossSlope {
  Rule rule;
  const float* dloss;
  float count;
  __device__ float operator()(float x, float t) const {
    return rule.slope(x, t) * (*dloss / count);
  }
};

template <MeanLossRule Rule>
SimpleCandidate::Launch mean_loss_launch(const Problem& problem) {
  return [rule = Rule::from(problem.attributes)](const LaunchArguments& launch) {
    const std::int64_t count = launch.inputs[0].type.element_count();
    const float* x = launch.inputs[0].as<float>();
    const float* t = launch.inputs[1].as<float>();
    run_sum(Rule::kName, launch.stream, launch.workspace, LossTerm<Rule>{rule}, MeanOf{count},
            count, launch.outputs[0].as<float>(), x, t);
  };
}

template <MeanLossRule Rule>
SimpleCandidate::Launch mean_loss_gradient_launch(const Problem& problem) {
  return [name = problem.op, rule = Rule::from(problem.attributes)](const LaunchArguments& launch) {
    const std::int64_t count = launch.inputs[0].type.element_count();
    const float* x = launch.inputs[0].as<float>();
    const float* t = launch.inputs[1].as<float>();
    const ScaledLossSlope<Rule> slope{rule, launch.inputs[2].as<float>(),
                                      static_cast<float>(count)};
    run_elementwise(name.c_str(), launch.stream, slope, count, launch.outputs[0].as<float>(), x, t);
  };
}

/// Adds the candidates of a loss and of its gradient.
template <MeanLossRule Rule>
void add_mean_loss(CandidateRegistry& registry) {
  registry.add(SimpleCandidate{.op = Rule::kName,
                               .backend = "cuda",
                               .id = "cuda.simt",
                               .prepare = mean_loss_launch<Rule>,
                               .workspace = [](const Problem& problem) {
                                 return sum_workspace<float>(problem.inputs[0].element_count());
                               }});
  registry.add(SimpleCandidate{.op = std::string(Rule::kName) + "_gradient",
                               .backend = "cuda",
                               .id = "cuda.simt",
                               .prepare = mean_loss_gradient_launch<Rule>});
}

}  // namespace engine::cuda
