// References of embedding and its gradient.
#include "kernels/embedding.h"

#include <cmath>

#include "engine/tune/registry.h"

namespace engine {
namespace {

// Calls body(element of the table, element of y) for all that belong together.
template <class Body>
void for_each_pair(const Problem& problem, const ReferenceTensor& tokens, const Body& body) {
  const auto extents = EmbeddingExtents::of(problem);
  const auto width = static_cast<std::size_t>(extents.width);
  for (std::size_t i = 0; i < tokens.values.size(); ++i) {
    const auto token = static_cast<std::int32_t>(tokens.values[i]);
    if (!extents.holds(token)) continue;
    for (std::size_t j = 0; j < width; ++j)
      body(static_cast<std::size_t>(token) * width + j, i * width + j);
  }
}

void embedding(const Problem& problem, std::span<const ReferenceTensor> inputs,
               std::span<ReferenceTensor> outputs) {
  for_each_pair(problem, inputs[1], [&](std::size_t of_table, std::size_t of_y) {
    outputs[0].values[of_y] = inputs[0].values[of_table];
  });
}

void embedding_gradient(const Problem& problem, std::span<const ReferenceTensor> inputs,
                        std::span<ReferenceTensor> outputs) {
  outputs[0].magnitudes.assign(outputs[0].values.size(), 0);
  for_each_pair(problem, inputs[1], [&](std::size_t of_table, std::size_t of_y) {
    outputs[0].values[of_table] += inputs[0].values[of_y];
    outputs[0].magnitudes[of_table] += std::abs(inputs[0].values[of_y]);
  });
}

}  // namespace

void register_embedding_reference(ReferenceRegistry& registry) {
  registry.add("embedding", embedding);
  registry.add("embedding_gradient", embedding_gradient);
}

}  // namespace engine
