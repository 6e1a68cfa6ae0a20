// Batch normalization on the CPU: the four ops, by the loops for the order of their elements.
#include "kernels/cpu/batch_norm.h"

#include "engine/tune/registry.h"

namespace engine {
namespace cpu {
namespace {

using Operands = BatchNormOperands;

const BatchNormLoops& loops_for(const ChannelExtents& n) {
  return n.spatial == 1 ? batch_norm_rows() : batch_norm_runs();
}

// What operands an op has.
using Bind = void (*)(const LaunchArguments& a, Operands& o);

void bind_forward(const LaunchArguments& a, Operands& o) {
  o.x = a.inputs[0].as<float>();
  o.gamma = a.inputs[1].as<float>();
  o.beta = a.inputs[2].as<float>();
  o.out = a.outputs[0].as<float>();
  o.mean = o.new_mean = a.outputs[1].as<float>();
  o.variance = o.new_variance = a.outputs[2].as<float>();
}

void bind_gradient(const LaunchArguments& a, Operands& o) {
  o.dy = a.inputs[0].as<float>();
  o.x = a.inputs[1].as<float>();
  o.gamma = a.inputs[2].as<float>();
  o.mean = a.inputs[3].as<float>();
  o.variance = a.inputs[4].as<float>();
  o.out = a.outputs[0].as<float>();
  o.dgamma = a.outputs[1].as<float>();
  o.dbeta = a.outputs[2].as<float>();
}

void bind_inference(const LaunchArguments& a, Operands& o) {
  o.x = a.inputs[0].as<float>();
  o.gamma = a.inputs[1].as<float>();
  o.beta = a.inputs[2].as<float>();
  o.mean = a.inputs[3].as<float>();
  o.variance = a.inputs[4].as<float>();
  o.out = a.outputs[0].as<float>();
}

void bind_inference_gradient(const LaunchArguments& a, Operands& o) {
  o.dy = a.inputs[0].as<float>();
  o.gamma = a.inputs[1].as<float>();
  o.variance = a.inputs[2].as<float>();
  o.out = a.outputs[0].as<float>();
}

void add(CandidateRegistry& registry, const char* op, BatchNormLoops::Loop BatchNormLoops::*loop,
         Bind bind) {
  registry.add(SimpleCandidate{
      .op = op,
      .backend = "cpu",
      .id = "cpu.simd",
      .version = 2,
      .prepare =
          [loop, bind](const Problem& problem) {
            Operands fixed{};
            fixed.n = ChannelExtents::of(problem.inputs[0]);
            fixed.epsilon =
                static_cast<float>(NormalizationAttributes::from(problem.attributes).epsilon);
            return [fixed, bind, run = loops_for(fixed.n).*loop](const LaunchArguments& arguments) {
              Operands o = fixed;
              o.workspace = arguments.workspace;
              bind(arguments, o);
              run(o);
            };
          },
      .workspace =
          [](const Problem& problem) {
            const auto n = ChannelExtents::of(problem.inputs.at(0));
            return loops_for(n).workspace(n);
          }});
}

}  // namespace
}  // namespace cpu

void register_batch_norm_cpu(CandidateRegistry& registry) {
  using cpu::BatchNormLoops;
  cpu::add(registry, "batch_norm", &BatchNormLoops::forward, cpu::bind_forward);
  cpu::add(registry, "batch_norm_gradient", &BatchNormLoops::gradient, cpu::bind_gradient);
  cpu::add(registry, "batch_norm_inference", &BatchNormLoops::inference, cpu::bind_inference);
  cpu::add(registry, "batch_norm_inference_gradient", &BatchNormLoops::inference_gradient,
           cpu::bind_inference_gradient);
}

}  // namespace engine
