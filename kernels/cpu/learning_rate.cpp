// The schedule of the learning rate: a scalar, on the calling thread.
#include "kernels/learning_rate.h"

#include "engine/tune/registry.h"

namespace engine {
namespace cpu {
namespace {

SimpleCandidate::Launch prepare(const Problem& problem) {
  return [attributes =
              LearningRateAttributes::from(problem.attributes)](const LaunchArguments& arguments) {
    *arguments.outputs[0].as<float>() = static_cast<float>(scheduled_rate(
        attributes, *arguments.inputs[0].as<float>(), *arguments.inputs[1].as<std::int64_t>()));
  };
}

}  // namespace
}  // namespace cpu

void register_learning_rate_cpu(CandidateRegistry& registry) {
  registry.add(SimpleCandidate{
      .op = "learning_rate", .backend = "cpu", .id = "cpu.scalar", .prepare = cpu::prepare});
}

}  // namespace engine
