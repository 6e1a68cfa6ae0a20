// Masks of sequences on the CPU.
#include "kernels/sequence_mask.h"

#include "engine/device/cpu/parallel.h"
#include "engine/tune/registry.h"
#include "kernels/cpu/lanes.h"

namespace engine {
namespace cpu {
namespace {

SimpleCandidate::Launch prepare_sequence_mask(const Problem& problem) {
  return [mask = SequenceMask::from(problem.attributes),
          sequences = problem.inputs[0].shape[0]](const LaunchArguments& arguments) {
    const auto* lengths = arguments.inputs[0].as<std::int32_t>();
    auto* to = arguments.outputs[0].as<std::uint8_t>();
    parallel_for(sequences, row_grain(mask.steps), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t n = begin; n < end; ++n)
        for (std::int64_t t = 0; t < mask.steps; ++t)
          to[n * mask.steps + t] = mask.counts(t, lengths[n]);
    });
  };
}

ENGINE_SIMD_CLONES
void differ(const std::int32_t* tokens, std::int32_t padding, std::uint8_t* to,
            std::int64_t count) {
  ENGINE_SIMD_LOOP
  for (std::int64_t i = 0; i < count; ++i) to[i] = tokens[i] != padding;
}

SimpleCandidate::Launch prepare_token_mask(const Problem& problem) {
  return [padding = static_cast<std::int32_t>(TokenMask::from(problem.attributes).padding),
          count = problem.inputs[0].element_count()](const LaunchArguments& arguments) {
    const auto* tokens = arguments.inputs[0].as<std::int32_t>();
    auto* to = arguments.outputs[0].as<std::uint8_t>();
    parallel_for(count, kElementGrain, [&](std::int64_t begin, std::int64_t end) {
      differ(tokens + begin, padding, to + begin, end - begin);
    });
  };
}

}  // namespace
}  // namespace cpu

void register_sequence_mask_cpu(CandidateRegistry& registry) {
  registry.add(SimpleCandidate{.op = "sequence_mask",
                               .backend = "cpu",
                               .id = "cpu.simd",
                               .prepare = cpu::prepare_sequence_mask});
  registry.add(SimpleCandidate{
      .op = "token_mask", .backend = "cpu", .id = "cpu.simd", .prepare = cpu::prepare_token_mask});
}

}  // namespace engine
