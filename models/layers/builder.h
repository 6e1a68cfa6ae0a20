// What layers emit into: a graph under construction, with the parameters they declare.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "graph/ir.h"
#include "models/layers/initializer.h"

namespace engine {

/// Training and inference are told apart when a graph is built, so that drop-out cannot act at test
/// time: there is no such node.
enum class Mode { training, inference };

/// A trained state, how it starts, and its value in this graph.
struct Parameter {
  graph::State state;
  Initializer initializer;
  std::int64_t fan_in, fan_out;
  graph::Value* value;
};

class Builder {
 public:
  /// `step` is the training step counter (i64 scalar) that random layers draw by; unused, and may
  /// be nullptr, in inference.
  Builder(graph::Graph& graph, Mode mode, std::uint64_t seed, graph::Value* step)
      : graph_(graph), mode_(mode), seed_(seed), step_(step) {}

  graph::Graph& graph() { return graph_; }
  Mode mode() const { return mode_; }
  graph::Value* step() const { return step_; }
  /// The random stream of a layer in this run.
  RandomKey key(const std::string& name) const { return random_key(seed_, name); }

  /// Declares and reads an f32 parameter.
  graph::Value* parameter(const std::string& name, const Shape& shape, Initializer initializer,
                          std::int64_t fan_in, std::int64_t fan_out);
  const std::vector<Parameter>& parameters() const { return parameters_; }

 private:
  graph::Graph& graph_;
  Mode mode_;
  std::uint64_t seed_;
  graph::Value* step_;
  std::vector<Parameter> parameters_;
};

}  // namespace engine
