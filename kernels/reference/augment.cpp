// Reference of augment: every pixel looks up where it comes from.
#include "kernels/augment.h"

#include "engine/tune/registry.h"

namespace engine {
namespace {

void augment(const Problem& problem, std::span<const ReferenceTensor> inputs,
             std::span<ReferenceTensor> outputs) {
  const Shape& shape = problem.inputs[0].shape;
  const Augmentation a(AugmentAttributes::from(problem.attributes), shape);
  const auto step = static_cast<std::uint64_t>(inputs[1].values[0]);
  std::size_t e = 0;
  for (std::int64_t b = 0; b < shape[0]; ++b) {
    const AugmentDraw draw = draw_augmentation(a, step, static_cast<std::uint64_t>(b));
    for (std::int64_t c = 0; c < shape[1]; ++c)
      for (std::int32_t i = 0; i < a.height; ++i)
        for (std::int32_t j = 0; j < a.width; ++j) {
          const std::int32_t y = nearest_inside(i + draw.down, a.height);
          const std::int32_t column = draw.mirrored ? a.width - 1 - j : j;
          const std::int32_t x = nearest_inside(column + draw.right, a.width);
          const std::int64_t source = ((b * shape[1] + c) * a.height + y) * a.width + x;
          outputs[0].values[e++] = inputs[0].values[static_cast<std::size_t>(source)];
        }
  }
}

}  // namespace

void register_augment_reference(ReferenceRegistry& registry) {
  registry.add("augment", augment);
}

}  // namespace engine
