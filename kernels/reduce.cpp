#include "kernels/reduce.h"

#include <array>
#include <string>

#include "engine/core/error.h"

namespace engine {
namespace {

constexpr std::array<std::string_view, 3> kNames{"sum", "mean", "max"};

}  // namespace

std::string_view reduce_kind_name(ReduceKind kind) {
  return kNames.at(static_cast<std::size_t>(kind));
}

ReduceKind reduce_kind_from_name(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i)
    if (kNames[i] == name) return static_cast<ReduceKind>(i);
  throw InternalError("no reduction '" + std::string(name) + "'");
}

ReduceAttributes ReduceAttributes::from(const Attributes& attributes) {
  return {reduce_kind_from_name(attributes.text("kind")),
          static_cast<int>(attributes.integer("axis")),
          static_cast<int>(attributes.integer("count")), attributes.flag("keepdims")};
}

Attributes ReduceAttributes::to_attributes() const {
  Attributes attributes;
  attributes.set("kind", std::string(reduce_kind_name(kind)))
      .set("axis", std::int64_t{axis})
      .set("count", std::int64_t{count})
      .set("keepdims", keepdims);
  return attributes;
}

ReduceExtents ReduceExtents::of(const Problem& problem) {
  const auto attributes = ReduceAttributes::from(problem.attributes);
  const Shape& x = problem.inputs.at(problem.op == "reduce" ? 0 : 1).shape;
  ReduceExtents extents{1, 1, 1};
  for (int axis = 0; axis < x.rank(); ++axis) {
    const bool before = axis < attributes.axis;
    const bool after = axis >= attributes.axis + attributes.count;
    (before ? extents.outer : after ? extents.inner : extents.reduced) *= x[axis];
  }
  return extents;
}

}  // namespace engine
