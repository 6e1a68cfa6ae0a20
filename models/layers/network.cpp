#include "models/layers/network.h"

#include <fmt/format.h>

#include "engine/core/error.h"
#include "graph/op.h"
#include "ops/dense.h"
#include "ops/dropout.h"
#include "ops/relu.h"

namespace engine {
namespace {

class DenseLayer final : public Layer {
 public:
  DenseLayer(std::string name, std::int64_t units) : Layer(std::move(name)), units_(units) {}
  std::string description() const override { return fmt::format("dense {}", units_); }
  graph::Value* build(Builder& builder, graph::Value* x) const override {
    if (x->type().shape.rank() != 2)
      throw ShapeError(fmt::format("{}: the input is {}, expected [batch, features]", name(),
                                   x->type().to_string()));
    const std::int64_t features = x->type().shape[1];
    graph::Value* weights = builder.parameter(name() + "/weights", {features, units_},
                                              Initializer::glorot_uniform(), features, units_);
    graph::Value* bias =
        builder.parameter(name() + "/bias", {units_}, Initializer::zeros(), features, units_);
    return builder.graph().apply(ops::dense(), {x, weights, bias}, name());
  }

 private:
  std::int64_t units_;
};

class ReluLayer final : public Layer {
 public:
  using Layer::Layer;
  std::string description() const override { return "relu"; }
  graph::Value* build(Builder& builder, graph::Value* x) const override {
    return builder.graph().apply(ops::relu(), {x}, name());
  }
};

class DropoutLayer final : public Layer {
 public:
  DropoutLayer(std::string name, double rate) : Layer(std::move(name)), rate_(rate) {}
  std::string description() const override { return fmt::format("dropout {}", rate_); }
  graph::Value* build(Builder& builder, graph::Value* x) const override {
    if (builder.mode() == Mode::inference || rate_ == 0) return x;
    return builder.graph().apply(ops::dropout({rate_, builder.key(name())}), {x, builder.step()},
                                 name());
  }

 private:
  double rate_;
};

}  // namespace

std::string Network::next_name(const std::string& kind) {
  return fmt::format("{}_{}", kind, ++numbers_[kind]);
}

Network& Network::dense(std::int64_t units) {
  if (units < 1)
    throw UsageError(fmt::format("a dense layer of {} units, expected at least 1", units));
  return add(std::make_shared<DenseLayer>(next_name("dense"), units));
}

Network& Network::relu() {
  return add(std::make_shared<ReluLayer>(next_name("relu")));
}

Network& Network::dropout(double rate) {
  if (!(rate >= 0 && rate < 1))
    throw UsageError(fmt::format("a drop-out rate of {}, expected one in [0, 1)", rate));
  return add(std::make_shared<DropoutLayer>(next_name("dropout"), rate));
}

Network& Network::add(std::shared_ptr<const Layer> layer) {
  for (const auto& present : layers_)
    if (present->name() == layer->name())
      throw UsageError("two layers are called '" + layer->name() + "'");
  layers_.push_back(std::move(layer));
  return *this;
}

graph::Value* Network::build(Builder& builder, graph::Value* x) const {
  for (const auto& layer : layers_) x = layer->build(builder, x);
  return x;
}

std::vector<LayerSummary> summarize(const Network& network) {
  graph::Graph graph("summary");
  Builder builder(graph, Mode::inference, 0, nullptr);
  std::vector<std::int64_t> extents(network.input().extents().begin(),
                                    network.input().extents().end());
  extents.insert(extents.begin(), 1);
  graph::Value* x = graph.read({"input", {Shape(extents), DType::f32}, graph::StateRole::data});

  std::vector<LayerSummary> lines;
  for (const auto& layer : network.layers()) {
    const std::size_t parameters_before = builder.parameters().size();
    const std::size_t nodes_before = graph.nodes().size();
    x = layer->build(builder, x);
    LayerSummary line{layer->name(), layer->description(),
                      Shape(x->type().shape.extents().subspan(1)), 0, 0};
    for (std::size_t i = parameters_before; i < builder.parameters().size(); ++i)
      line.parameters += builder.parameters()[i].state.type.element_count();
    for (auto node = std::next(graph.nodes().begin(), static_cast<std::ptrdiff_t>(nodes_before));
         node != graph.nodes().end(); ++node)
      line.forward_flops += (*node)->op().flops(**node);
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace engine
