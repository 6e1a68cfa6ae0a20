// Reference of dropout: one random word an element, drawn one by one.
#include "kernels/dropout.h"

#include "engine/tune/registry.h"

namespace engine {
namespace {

void dropout(const Problem& problem, std::span<const ReferenceTensor> inputs,
             std::span<ReferenceTensor> outputs) {
  const auto attributes = DropoutAttributes::from(problem.attributes);
  const auto step = static_cast<std::uint64_t>(inputs[1].values[0]);
  const auto& x = inputs[0].values;
  for (std::size_t e = 0; e < x.size(); ++e) {
    const bool kept = random_word(attributes.key, step, e) >= attributes.threshold();
    outputs[0].values[e] = kept ? x[e] * attributes.scale() : 0;
  }
}

}  // namespace

void register_dropout_reference(ReferenceRegistry& registry) {
  registry.add("dropout", dropout);
}

}  // namespace engine
