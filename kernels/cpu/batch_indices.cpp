// The observations of a batch, each computed on its own.
#include "kernels/batch_indices.h"

#include "engine/device/cpu/parallel.h"
#include "engine/tune/registry.h"

namespace engine {
namespace cpu {
namespace {

// An index costs a dozen Philox calls, near half a microsecond.
constexpr int kGrain = 64;

SimpleCandidate::Launch prepare(const Problem& problem) {
  const auto attributes = BatchIndicesAttributes::from(problem.attributes);
  return
      [attributes, count = problem.outputs[0].element_count()](const LaunchArguments& arguments) {
        const std::int64_t step = *arguments.inputs[0].as<std::int64_t>();
        std::int32_t* indices = arguments.outputs[0].as<std::int32_t>();
        parallel_for(count, kGrain, [&](std::int64_t begin, std::int64_t end) {
          for (std::int64_t i = begin; i < end; ++i) indices[i] = batch_index(attributes, step, i);
        });
      };
}

}  // namespace
}  // namespace cpu

void register_batch_indices_cpu(CandidateRegistry& registry) {
  registry.add(SimpleCandidate{
      .op = "batch_indices", .backend = "cpu", .id = "cpu.loop", .prepare = cpu::prepare});
}

}  // namespace engine
