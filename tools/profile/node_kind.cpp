#include "tools/profile/node_kind.h"

#include <algorithm>

#include "engine/core/error.h"
#include "graph/differentiate.h"
#include "graph/op.h"

namespace engine::tools {
namespace {

bool writes_state(const graph::Node& node) {
  if (graph::is_state_assign(node)) return true;
  for (std::size_t i = 0; i < node.output_count(); ++i)
    for (const graph::Node* user : node.output(i)->uses())
      if (graph::is_state_assign(*user)) return true;
  return false;
}

}  // namespace

const char* kind_name(NodeKind kind) {
  switch (kind) {
    case NodeKind::state:
      return "state";
    case NodeKind::forward:
      return "forward";
    case NodeKind::gradient:
      return "gradient";
    case NodeKind::update:
      return "update";
  }
  throw InternalError("a kind of node outside its enumeration");
}

const char* kind_colour(NodeKind kind) {
  switch (kind) {
    case NodeKind::state:
      return "#e8eaed";
    case NodeKind::forward:
      return "#9ec5f0";
    case NodeKind::gradient:
      return "#f6c08a";
    case NodeKind::update:
      return "#aedaa6";
  }
  throw InternalError("a kind of node outside its enumeration");
}

NodeKinds::NodeKinds(const graph::Graph& graph) {
  const auto carries_gradient = [&](const graph::Value* value) {
    const graph::Node& producer = value->producer();
    if (graph::is_state_read(producer)) return graph::state_name(producer) == graph::kGradientSeed;
    return of(producer) == NodeKind::gradient;
  };
  for (const auto& node : graph.nodes()) {
    const auto& inputs = node->inputs();
    NodeKind kind = NodeKind::forward;
    if (graph::is_state_read(*node))
      kind = NodeKind::state;
    else if (writes_state(*node))
      kind = NodeKind::update;
    else if (std::any_of(inputs.begin(), inputs.end(), carries_gradient))
      kind = NodeKind::gradient;
    kinds_.emplace(node.get(), kind);
  }
}

std::string layer_of(const graph::Node& node) {
  return node.label().substr(0, node.label().find('/'));
}

}  // namespace engine::tools
