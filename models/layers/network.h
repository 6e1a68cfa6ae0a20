// The builder that an application writes networks with:
//
//   Network net(Shape{784});
//   net.dense(512).relu().dropout(0.2).dense(10);
//
// A network is a description. It is built into a graph once for each program (training, evaluation,
// prediction; full and partial batch), always with the same parameter names.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "models/layers/builder.h"

namespace engine {

/// One layer: immutable, shared by copies of a network.
class Layer {
 public:
  explicit Layer(std::string name) : name_(std::move(name)) {}
  virtual ~Layer() = default;
  const std::string& name() const { return name_; }  ///< unique in its network: "dense_1"
  /// What a summary prints: "dense 512".
  virtual std::string description() const = 0;
  /// Emits the layer for a batch `x` of shape [B, …].
  virtual graph::Value* build(Builder& builder, graph::Value* x) const = 0;

 private:
  std::string name_;
};

class Network {
 public:
  /// `input` is the shape of one observation.
  explicit Network(Shape input) : input_(std::move(input)) {}

  /// Fully connected, bias included: glorot-uniform weights [in, units], zero bias.
  Network& dense(std::int64_t units);
  Network& relu();
  /// Drops with probability `rate` in [0, 1) in training, nothing otherwise.
  Network& dropout(double rate);
  /// A layer of the application's own; its name must be new.
  Network& add(std::shared_ptr<const Layer> layer);

  const Shape& input() const { return input_; }
  const std::vector<std::shared_ptr<const Layer>>& layers() const { return layers_; }
  /// Emits all layers in order; throws ShapeError naming the layer that does not fit.
  graph::Value* build(Builder& builder, graph::Value* x) const;

 private:
  std::string next_name(const std::string& kind);
  Shape input_;
  std::vector<std::shared_ptr<const Layer>> layers_;
  std::map<std::string, int> numbers_;
};

/// One line of a summary.
struct LayerSummary {
  std::string name, description;
  Shape output;  ///< of one observation
  std::int64_t parameters;
  double forward_flops;  ///< for one observation
};

std::vector<LayerSummary> summarize(const Network& network);

}  // namespace engine
