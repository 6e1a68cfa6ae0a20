// What ops share that end in an epilogue of bias, activation and drop-out (kernels/dense.h): its
// gradient, and the rewrite that folds the nodes behind such an op into it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "graph/op.h"
#include "kernels/dense.h"

namespace engine::ops {

/// The gradient at the products of context.node, of the dtype of its first operand; operand 3 is
/// the step where `epilogue` drops.
graph::Value* epilogue_gradient(const graph::GradientContext& context,
                                const DenseAttributes& epilogue);

/// An op with another epilogue.
using WithEpilogue =
    std::function<std::shared_ptr<const graph::Op>(const graph::Op&, const DenseAttributes&)>;

/// Folds ReLU and drop-out into the ops called `op` that they follow; a line for each.
std::vector<std::string> fuse_epilogues(graph::Graph& graph, const std::string& op,
                                        const WithEpilogue& with_epilogue);

}  // namespace engine::ops
