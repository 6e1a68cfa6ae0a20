// Reference of batch_indices: the shared definition, entry by entry.
#include "kernels/batch_indices.h"

#include "engine/tune/registry.h"

namespace engine {
namespace {

void batch_indices(const Problem& problem, std::span<const ReferenceTensor> inputs,
                   std::span<ReferenceTensor> outputs) {
  const auto attributes = BatchIndicesAttributes::from(problem.attributes);
  const auto step = static_cast<std::int64_t>(inputs[0].values[0]);
  auto& indices = outputs[0].values;
  for (std::size_t i = 0; i < indices.size(); ++i)
    indices[i] = batch_index(attributes, step, static_cast<std::int64_t>(i));
}

}  // namespace

void register_batch_indices_reference(ReferenceRegistry& registry) {
  registry.add("batch_indices", batch_indices);
}

}  // namespace engine
