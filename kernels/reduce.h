// Reductions of f32 tensors over neighbouring axes.
//
//   reduce               x -> y. "kind" is sum, mean (NaN of no elements) or max (minus infinity of
//                        none, NaN where any element is NaN), over "count" axes from "axis" on,
//                        which stay as extents of 1 if "keepdims".
//   reduce_max_gradient  dy, x, y -> dx: dy at the first of the largest (or NaN) elements of each
//                        reduction, 0 at all others; dy and y are of one type.
//
// Every sum is taken in an order that depends on the shape alone.
#pragma once

#include <string_view>

#include "engine/tune/problem.h"

namespace engine {

enum class ReduceKind { sum, mean, max };

/// The kind's name, and back (InternalError for another one).
std::string_view reduce_kind_name(ReduceKind kind);
ReduceKind reduce_kind_from_name(std::string_view name);

struct ReduceAttributes {
  ReduceKind kind = ReduceKind::sum;
  int axis = 0;
  int count = 1;
  bool keepdims = false;

  static ReduceAttributes from(const Attributes& attributes);
  Attributes to_attributes() const;
};

/// A reduction is over the middle one of three axes.
struct ReduceExtents {
  std::int64_t outer, reduced, inner;

  /// Of a reduce or reduce_max_gradient problem.
  static ReduceExtents of(const Problem& problem);
  std::int64_t results() const { return outer * inner; }
};

}  // namespace engine
