// Reductions; see kernels/reduce.h. Axes may be negative: they count from the last.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "graph/op.h"
#include "kernels/reduce.h"

namespace engine::ops {

using OpPointer = std::shared_ptr<const graph::Op>;

/// Over neighbouring axes.
OpPointer reduce(const ReduceAttributes& attributes);
/// Of a maximum with these attributes.
OpPointer reduce_max_gradient(const ReduceAttributes& attributes);

/// Over any set of axes: emits a reduction for each run of neighbours, the last ones first. Throws
/// ShapeError for an axis that is not there or appears twice.
graph::Value* reduce(graph::Graph& graph, graph::Value* x, ReduceKind kind, std::vector<int> axes,
                     bool keepdims, const std::string& label);
/// Over all axes, to a scalar.
graph::Value* reduce_all(graph::Graph& graph, graph::Value* x, ReduceKind kind,
                         const std::string& label);
/// The gradient of a broadcast: x summed over the axes along which `shape` was repeated to become
/// x's. The value itself if the shapes are equal.
graph::Value* sum_to_shape(graph::Graph& graph, graph::Value* x, const Shape& shape,
                           const std::string& label);

}  // namespace engine::ops
