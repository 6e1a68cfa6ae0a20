#include "tools/profile/graph_boxes.h"

#include "graph/op.h"

namespace engine::tools {

GraphBoxes::GraphBoxes(const graph::Graph& graph, const graph::Program* program) : kinds_(graph) {
  if (program != nullptr)
    for (const graph::Step& step : program->steps) steps_.emplace(step.node, &step);
  for (const auto& node : graph.nodes())
    if (is_shown(*node)) shown_.push_back(node.get());
}

bool GraphBoxes::is_shown(const graph::Node& node) const {
  if (graph::is_state_read(node)) return false;
  return !graph::is_state_assign(node) || steps_.contains(&node) ||
         graph::is_state_read(node.input(0)->producer());
}

const graph::Step* GraphBoxes::step(const graph::Node& node) const {
  const auto found = steps_.find(&node);
  return found == steps_.end() ? nullptr : found->second;
}

}  // namespace engine::tools
