// Reference of gather.
#include "kernels/gather.h"

#include <cmath>

#include "engine/tune/registry.h"

namespace engine {
namespace {

void gather(const Problem& problem, std::span<const ReferenceTensor> inputs,
            std::span<ReferenceTensor> outputs) {
  const Normalization normalization(GatherAttributes::from(problem.attributes));
  const double rows = static_cast<double>(problem.inputs[0].shape[0]);
  const auto length = static_cast<std::size_t>(problem.inputs[0].shape.elements_after(0));
  const std::size_t run = length / static_cast<std::size_t>(normalization.count);
  const auto& indices = inputs[1].values;
  for (std::size_t row = 0; row < indices.size(); ++row)
    for (std::size_t i = 0; i < length; ++i) {
      const bool inside = indices[row] >= 0 && indices[row] < rows;
      const double element =
          inside ? inputs[0].values[static_cast<std::size_t>(indices[row]) * length + i] : 0;
      const std::size_t channel = i / run;
      const double scale = normalization.scale[channel], offset = normalization.offset[channel];
      outputs[0].values[row * length + i] = element * scale + offset;
      outputs[0].magnitudes.push_back(std::abs(element * scale) + std::abs(offset));
    }
}

}  // namespace

void register_gather_reference(ReferenceRegistry& registry) {
  registry.add("gather", gather);
}

}  // namespace engine
