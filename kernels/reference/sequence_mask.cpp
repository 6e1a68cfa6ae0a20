// References of the masks of sequences.
#include "kernels/sequence_mask.h"

#include "engine/tune/registry.h"

namespace engine {
namespace {

void sequence_mask(const Problem& problem, std::span<const ReferenceTensor> inputs,
                   std::span<ReferenceTensor> outputs) {
  const auto mask = SequenceMask::from(problem.attributes);
  const auto steps = static_cast<std::size_t>(mask.steps);
  for (std::size_t n = 0; n < inputs[0].values.size(); ++n)
    for (std::size_t t = 0; t < steps; ++t)
      outputs[0].values[n * steps + t] =
          mask.counts(static_cast<std::int64_t>(t), static_cast<std::int64_t>(inputs[0].values[n]));
}

void token_mask(const Problem& problem, std::span<const ReferenceTensor> inputs,
                std::span<ReferenceTensor> outputs) {
  const auto padding = static_cast<double>(TokenMask::from(problem.attributes).padding);
  for (std::size_t i = 0; i < inputs[0].values.size(); ++i)
    outputs[0].values[i] = inputs[0].values[i] != padding;
}

}  // namespace

void register_sequence_mask_reference(ReferenceRegistry& registry) {
  registry.add("sequence_mask", sequence_mask);
  registry.add("token_mask", token_mask);
}

}  // namespace engine
