// Reverse-mode differentiation that emits nodes, so that gradients are rewritten, tuned and planned
// like everything else. Only what lies between the objective and the values somebody wants is
// differentiated: the first layer's input gets no gradient unless it is asked for.
#pragma once

#include <span>
#include <vector>

#include "graph/ir.h"

namespace engine::graph {

/// The constant state that every gradient starts from: d(objective)/d(objective) = 1.
inline constexpr const char* kGradientSeed = "constant/one";

/// Gradients of the scalar `objective` with respect to each of `wanted`, in order; nullptr for a
/// value that the objective does not depend on. Throws UsageError when the objective is not an f32
/// or f64 scalar, or a path leads through an op without a gradient.
std::vector<Value*> differentiate(Graph& graph, Value* objective, std::span<Value* const> wanted);

}  // namespace engine::graph
