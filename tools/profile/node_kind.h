// What part of a training step a node belongs to: how drawings and traces tell nodes apart.
#pragma once

#include <string>
#include <unordered_map>

#include "graph/ir.h"

namespace engine::tools {

enum class NodeKind {
  state,     ///< a read of parameters, moments, data
  forward,   ///< feed, layers, loss
  gradient,  ///< what the loss's gradient flows through
  update,    ///< what writes state: the optimizer, metrics, assignments
};
const char* kind_name(NodeKind kind);
/// A colour to fill shapes with that dark text can be read on, "#rrggbb".
const char* kind_colour(NodeKind kind);

class NodeKinds {
 public:
  explicit NodeKinds(const graph::Graph& graph);
  NodeKind of(const graph::Node& node) const { return kinds_.at(&node); }

 private:
  std::unordered_map<const graph::Node*, NodeKind> kinds_;
};

/// The layer a node came from: its label up to the first '/'.
std::string layer_of(const graph::Node& node);

}  // namespace engine::tools
