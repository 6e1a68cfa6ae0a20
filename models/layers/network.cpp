#include "models/layers/network.h"

#include <fmt/format.h>

#include "engine/core/error.h"
#include "graph/op.h"
#include "models/layers/layer_type.h"

namespace engine {

std::string Network::next_name(const std::string& kind) const {
  const auto last = numbers_.find(kind);
  return fmt::format("{}_{}", kind, last == numbers_.end() ? 1 : last->second + 1);
}

Network& Network::add(const std::string& type, const OptionValues& options) {
  const LayerType* found = layer_types().find(type);
  if (found == nullptr) {
    std::string known;
    for (const LayerType& each : layer_types().all())
      known += (known.empty() ? "" : ", ") + each.name;
    throw OptionError("type", "no layer type is called '" + type + "', expected one of: " + known);
  }
  add(found->make(next_name(type), options));
  ++numbers_[type];
  return *this;
}

Network& Network::add(std::shared_ptr<const Layer> layer) {
  for (const auto& present : layers_)
    if (present->name() == layer->name())
      throw UsageError("two layers are called '" + layer->name() + "'");
  layers_.push_back(std::move(layer));
  return *this;
}

Network Network::up_to(const std::string& name) const {
  Network result(input_, input_dtype_);
  result.numbers_ = numbers_;
  std::string known;
  for (const auto& layer : layers_) {
    result.add(layer);
    if (layer->name() == name) return result;
    known += (known.empty() ? "" : ", ") + layer->name();
  }
  throw UsageError(fmt::format("no layer is called '{}', expected one of: {}", name, known));
}

graph::Value* Network::build(Builder& builder, graph::Value* x) const {
  for (const auto& layer : layers_) x = layer->apply(builder, x);
  return x;
}

Summarizer::Summarizer(const Network& network)
    : graph_("summary"), builder_(graph_, Mode::inference, 0, nullptr) {
  std::vector<std::int64_t> extents{1};
  for (std::int64_t extent : network.input().extents()) extents.push_back(extent);
  x_ = graph_.read({"input", {Shape(extents), network.input_dtype()}, graph::StateRole::data});
}

LayerSummary Summarizer::add(const Layer& layer) {
  const std::size_t parameters_before = builder_.parameters().size();
  const std::size_t nodes_before = graph_.nodes().size();
  x_ = layer.apply(builder_, x_);
  LayerSummary line{layer.name(), layer.description(), Shape(x_->type().shape.extents().subspan(1)),
                    0, 0};
  for (std::size_t i = parameters_before; i < builder_.parameters().size(); ++i)
    line.parameters += builder_.parameters()[i].state.type.element_count();
  for (auto node = std::next(graph_.nodes().begin(), static_cast<std::ptrdiff_t>(nodes_before));
       node != graph_.nodes().end(); ++node)
    line.forward_flops += (*node)->op().flops(**node);
  return line;
}

std::vector<LayerSummary> summarize(const Network& network) {
  Summarizer summarizer(network);
  std::vector<LayerSummary> lines;
  for (const auto& layer : network.layers()) lines.push_back(summarizer.add(*layer));
  return lines;
}

}  // namespace engine
