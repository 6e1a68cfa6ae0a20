// Which nodes of a graph a drawing shows, with their kinds and kernels.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "graph/program.h"
#include "tools/profile/node_kind.h"

namespace engine::tools {

class GraphBoxes {
 public:
  /// Without a program there are no kernels.
  GraphBoxes(const graph::Graph& graph, const graph::Program* program);

  /// In the order of the schedule.
  const std::vector<const graph::Node*>& shown() const { return shown_; }
  /// States are said by the nodes that read and write them; an assignment that copies is shown.
  bool is_shown(const graph::Node& node) const;
  NodeKind kind(const graph::Node& node) const { return kinds_.of(node); }
  /// nullptr where there is none.
  const graph::Step* step(const graph::Node& node) const;

 private:
  const NodeKinds kinds_;
  std::unordered_map<const graph::Node*, const graph::Step*> steps_;
  std::vector<const graph::Node*> shown_;
};

/// The drawings: see Detail.
std::string draw_ops(const graph::Graph& graph, const GraphBoxes& boxes);
std::string draw_layers(const graph::Graph& graph, const GraphBoxes& boxes);

}  // namespace engine::tools
