#include "kernels/pool.h"

namespace engine {

PoolAttributes PoolAttributes::from(const Attributes& attributes) {
  return {WindowAttributes::from(attributes), parse_spatial(attributes.text("window"), 1),
          attributes.has("activation") ? DenseAttributes::from(attributes) : DenseAttributes{}};
}

Attributes PoolAttributes::to_attributes() const {
  Attributes attributes;
  attributes.set("window", print_spatial(extents, window.rank));
  window.add_to(attributes);
  return attributes;
}

PoolGeometry PoolGeometry::of(const Problem& problem) {
  const auto attributes = PoolAttributes::from(problem.attributes);
  const TensorType& first = problem.inputs.at(0);
  PoolGeometry g{first.shape[0],     first.shape[1],    {},          {},
                 attributes.extents, attributes.window, first.layout};
  g.input = problem.attributes.has("input") ? parse_spatial(problem.attributes.text("input"), 1)
                                            : spatial_extents(first.shape);
  g.output = g.window.positions(g.input, g.extents);
  return g;
}

std::vector<float> PoolGeometry::counts(std::size_t d) const {
  std::vector<float> counts(static_cast<std::size_t>(output[d]));
  for (std::int64_t p = 0; p < output[d]; ++p)
    for (std::int64_t r = 0; r < extents[d]; ++r) {
      const std::int64_t s =
          p * window.stride[d] + r * window.dilation[d] - window.padding_before[d];
      counts[static_cast<std::size_t>(p)] += s >= 0 && s < input[d] ? 1.0f : 0.0f;
    }
  return counts;
}

}  // namespace engine
