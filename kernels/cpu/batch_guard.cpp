#include "kernels/batch_guard.h"

#include "engine/tune/registry.h"

namespace engine {
namespace cpu {
namespace {

SimpleCandidate::Launch prepare_batch_guard(const Problem& problem) {
  return [attributes =
              BatchGuardAttributes::from(problem.attributes)](const LaunchArguments& arguments) {
    *arguments.outputs[0].as<float>() =
        batch_guard(attributes, *arguments.inputs[0].as<std::int64_t>());
  };
}

}  // namespace
}  // namespace cpu

void register_batch_guard_cpu(CandidateRegistry& registry) {
  registry.add(SimpleCandidate{.op = "batch_guard",
                               .backend = "cpu",
                               .id = "cpu.scalar",
                               .prepare = cpu::prepare_batch_guard});
}

}  // namespace engine
