// What tests of layers look at: a network's graph.
#pragma once

#include <string>
#include <vector>

#include "engine/core/error.h"
#include "graph/op.h"
#include "models/layers/network.h"

namespace engine {

// A network built for a batch of 2.
struct Built {
  Built(const Network& network, Mode mode) : graph("test"), builder(graph, mode, 1, step()) {
    std::vector<std::int64_t> extents{2};
    for (std::int64_t extent : network.input().extents()) extents.push_back(extent);
    graph::Value* x =
        graph.read({"x", {Shape(extents), network.input_dtype()}, graph::StateRole::data});
    output = network.build(builder, x)->type().shape;
    graph.verify();
  }
  std::string ops() const {
    std::string names;
    for (const auto& node : graph.nodes())
      if (!graph::is_state_read(*node)) names += (names.empty() ? "" : " ") + node->op().name();
    return names;
  }
  std::string parameters() const {
    std::string names;
    for (const Parameter& parameter : builder.parameters())
      names += (names.empty() ? "" : " ") + parameter.state.name;
    return names;
  }

  std::vector<const graph::Node*> of(const std::string& op) const {
    std::vector<const graph::Node*> nodes;
    for (const auto& node : graph.nodes())
      if (node->op().name() == op) nodes.push_back(node.get());
    return nodes;
  }
  const Parameter& parameter(const std::string& name) const {
    for (const Parameter& each : builder.parameters())
      if (each.state.name == name) return each;
    throw InternalError("no parameter " + name);
  }

  graph::Value* step() {
    return graph.read({"step", {Shape{}, DType::i64}, graph::StateRole::counter});
  }

  graph::Graph graph;
  Builder builder;
  Shape output;
};

}  // namespace engine
