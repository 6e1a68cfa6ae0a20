#include "ops/epilogue.h"

#include <fmt/format.h>

#include "ops/cast.h"
#include "ops/dropout.h"
#include "ops/elementwise.h"

namespace engine::ops {
namespace {

using graph::Node;
using graph::Value;

// Takes `next` into the epilogue, if that is possible.
bool extend(DenseAttributes& epilogue, const Node& next) {
  if (epilogue.dropout.rate > 0) return false;
  if (next.op().name() == "relu" && epilogue.activation == Activation::none) {
    epilogue.activation = Activation::relu;
    return true;
  }
  if (next.op().name() == "dropout") {
    epilogue.dropout = DropoutAttributes::from(next.op().attributes());
    return true;
  }
  return false;
}

// Replaces `node` followed by its only reader `next` with one node of `op`.
Node& fuse(graph::Graph& graph, Node& node, Node& next, std::shared_ptr<const graph::Op> op,
           bool drops) {
  std::vector<Value*> inputs = node.inputs();
  if (drops) inputs.push_back(next.input(1));
  Node& fused = graph.insert_before(next, std::move(op), inputs, node.label());
  graph.replace_uses(*next.output(), *fused.output());
  graph.erase(next);
  graph.erase(node);
  return fused;
}

}  // namespace

// After a ReLU, y > 0 is the mask of the ReLU and of a drop-out behind it in one.
Value* epilogue_gradient(const graph::GradientContext& context, const DenseAttributes& epilogue) {
  const Node& node = context.node;
  Value* dz = context.output_gradients[0];
  const std::string label = node.label() + "/epilogue_gradient";
  const bool drops = epilogue.dropout.rate > 0;
  if (epilogue.activation == Activation::relu)
    dz = context.graph.apply(relu_gradient(drops ? epilogue.dropout.scale() : 1.0),
                             {dz, node.output()}, label);
  else if (drops)
    dz = context.graph.apply(dropout(epilogue.dropout), {dz, node.input(3)}, label);
  const DType operands = node.input(0)->type().dtype;
  if (dz->type().dtype != operands)
    dz = context.graph.apply(cast(operands), {dz}, node.label() + "/output_gradient");
  return dz;
}

std::vector<std::string> fuse_epilogues(graph::Graph& graph, const std::string& op,
                                        const WithEpilogue& with_epilogue) {
  std::vector<Node*> starts;
  for (const auto& node : graph.nodes())
    if (node->op().name() == op) starts.push_back(node.get());
  std::vector<std::string> rewrites;
  for (Node* node : starts) {
    auto epilogue = DenseAttributes::from(node->op().attributes());
    while (node->output()->uses().size() == 1) {
      Node& next = *node->output()->uses().front();
      if (!extend(epilogue, next)) break;
      rewrites.push_back(fmt::format("'{}' takes in the {} of '{}'", node->label(),
                                     next.op().name(), next.label()));
      node =
          &fuse(graph, *node, next, with_epilogue(node->op(), epilogue), epilogue.dropout.rate > 0);
    }
  }
  return rewrites;
}

}  // namespace engine::ops
