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

/// A running statistic and what this step's batch says of it: the training graph moves the state
/// towards it, running = momentum * running + (1 - momentum) * batch, unless the step is not
/// finite.
struct StatisticUpdate {
  graph::State state;
  graph::Value* running;
  graph::Value* batch;
  double momentum;
};

class Builder {
 public:
  /// `step` is the training step counter (i64 scalar) that random layers draw by; unused, and may
  /// be nullptr, in inference. `activations` is what layers that can store their results as, f32 or
  /// bf16; parameters are f32 in any case.
  Builder(graph::Graph& graph, Mode mode, std::uint64_t seed, graph::Value* step,
          DType activations = DType::f32)
      : graph_(graph), mode_(mode), seed_(seed), step_(step), activations_(activations) {}

  graph::Graph& graph() { return graph_; }
  Mode mode() const { return mode_; }
  graph::Value* step() const { return step_; }
  DType activations() const { return activations_; }
  /// x in the type of activations, cast if it must be.
  graph::Value* as_activation(graph::Value* x);
  /// The same for what takes f32 only: losses, metrics, normalizations.
  graph::Value* as_f32(graph::Value* x);
  /// The random stream of a layer in this run.
  RandomKey key(const std::string& name) const { return random_key(seed_, name); }

  /// Declares and reads an f32 parameter.
  graph::Value* parameter(const std::string& name, const Shape& shape, Initializer initializer,
                          std::int64_t fan_in, std::int64_t fan_out);
  /// Declares and reads the bias of a layer, f32[size], whose ops always add one: without
  /// `trained` zeros, which cost nothing to train.
  graph::Value* bias(const std::string& layer, std::int64_t size, bool trained,
                     Initializer initializer, std::int64_t fan_in, std::int64_t fan_out);
  const std::vector<Parameter>& parameters() const { return parameters_; }

  /// Which steps of the sequences [B, T, ...] that layers pass on count, u8[B, T]; nullptr: all.
  graph::Value* step_mask() const { return step_mask_; }
  void set_step_mask(graph::Value* mask) { step_mask_ = mask; }

  /// Declares and reads an f32 running statistic that starts at `fill`.
  graph::Value* statistic(const std::string& name, const Shape& shape, double fill);
  /// In training: records that the statistic `name` follows `batch`, a value of the same shape.
  void update_statistic(const std::string& name, graph::Value* running, graph::Value* batch,
                        double momentum);
  const std::vector<StatisticUpdate>& statistic_updates() const { return statistic_updates_; }

 private:
  graph::Graph& graph_;
  Mode mode_;
  std::uint64_t seed_;
  graph::Value* step_;
  DType activations_;
  graph::Value* step_mask_ = nullptr;
  std::vector<Parameter> parameters_;
  std::vector<StatisticUpdate> statistic_updates_;
};

}  // namespace engine
