// Layers about the steps of sequences [batch, steps, ...].
#include <fmt/format.h>

#include "models/layers/layer_type.h"
#include "models/layers/network.h"
#include "ops/movement.h"

namespace engine {
namespace {

constexpr std::int64_t kMostSteps = std::int64_t{1} << 24;

std::vector<std::int64_t> extents_of(const Shape& shape) {
  return {shape.extents().begin(), shape.extents().end()};
}

void expect_steps(const std::string& name, const graph::Value* x) {
  if (x->type().shape.rank() < 2)
    throw ShapeError(fmt::format("{}: the input is {}, expected [batch, steps, ...]", name,
                                 x->type().to_string()));
}

struct TimeDistributedOptions {
  LayerList layers;
};

class TimeDistributedLayer final : public LayerOf<TimeDistributedLayer, TimeDistributedOptions> {
 public:
  static constexpr const char* kType = "time_distributed";
  static OptionFields<TimeDistributedOptions> fields() {
    return {{"layer", &TimeDistributedOptions::layers, "the layers that every step passes", true}};
  }
  TimeDistributedLayer(std::string name, TimeDistributedOptions options)
      : LayerOf(std::move(name), std::move(options)) {
    for (const auto& layer : options_.layers)
      layers_.push_back(layer->renamed(this->name() + "/" + layer->name()));
    if (layers_.empty()) throw OptionError("layer", layers_, "one layer or more");
  }

  std::string description() const override {
    std::string text;
    for (const auto& layer : layers_) text += (text.empty() ? "" : ", ") + layer->description();
    return "each step: " + text;
  }

  bool takes_bf16() const override { return true; }
  graph::Value* build(Builder& builder, graph::Value* x) const override {
    expect_steps(name(), x);
    const std::int64_t batch = x->type().shape[0], steps = x->type().shape[1];
    graph::Value* mask = builder.step_mask();
    builder.set_step_mask(nullptr);  // it is of these steps, not of what is in them
    std::vector<std::int64_t> extents = extents_of(x->type().shape);
    extents.erase(extents.begin());
    extents[0] = batch * steps;
    x = builder.graph().apply(ops::reshape(Shape(extents)), {x}, name());
    for (const auto& layer : layers_) x = layer->apply(builder, x);
    builder.set_step_mask(mask);
    extents = extents_of(x->type().shape);
    extents[0] = steps;
    extents.insert(extents.begin(), batch);
    return builder.graph().apply(ops::reshape(Shape(extents)), {x}, name());
  }

 private:
  LayerList layers_;
};

struct BidirectionalOptions {
  LayerList layers;
};

class BidirectionalLayer final : public LayerOf<BidirectionalLayer, BidirectionalOptions> {
 public:
  static constexpr const char* kType = "bidirectional";
  static OptionFields<BidirectionalOptions> fields() {
    return {{"layer", &BidirectionalOptions::layers, "the recurrent layer", true}};
  }
  BidirectionalLayer(std::string name, BidirectionalOptions options)
      : LayerOf(std::move(name), std::move(options)) {
    if (options_.layers.size() != 1 || !options_.layers[0]->options().contains("reverse"))
      throw OptionError("layer", options_.layers, "one recurrent layer");
    const Layer& layer = *options_.layers[0];
    OptionValues opposite = layer.options();
    opposite["reverse"] = !std::get<bool>(opposite["reverse"]);
    const LayerType* type = layer_types().find(layer.type());
    ENGINE_CHECK(type != nullptr, "a recurrent layer is in the table of types");
    forward_ = layer.renamed(this->name() + "/forward");
    backward_ = type->make(this->name() + "/backward", opposite);
  }

  std::string description() const override {
    return "bidirectional " + options_.layers[0]->description();
  }

  graph::Value* build(Builder& builder, graph::Value* x) const override {
    graph::Value* mask = builder.step_mask();
    graph::Value* forward = forward_->apply(builder, x);
    builder.set_step_mask(mask);
    graph::Value* backward = backward_->apply(builder, x);
    const int last = static_cast<int>(forward->type().shape.rank()) - 1;
    return builder.graph().apply(ops::concatenate(last), {forward, backward}, name());
  }

 private:
  std::shared_ptr<const Layer> forward_, backward_;
};

struct RepeatVectorOptions {
  std::int64_t count = 0;
};

class RepeatVectorLayer final : public LayerOf<RepeatVectorLayer, RepeatVectorOptions> {
 public:
  static constexpr const char* kType = "repeat_vector";
  static OptionFields<RepeatVectorOptions> fields() {
    return {{"count", &RepeatVectorOptions::count, "steps that get the vector", true}};
  }
  RepeatVectorLayer(std::string name, RepeatVectorOptions options)
      : LayerOf(std::move(name), std::move(options)) {
    if (options_.count < 1 || options_.count > kMostSteps)
      throw OptionError("count", options_.count, fmt::format("1 to {}", kMostSteps));
  }
  std::string description() const override { return fmt::format("repeat {}", options_.count); }
  graph::Value* build(Builder& builder, graph::Value* x) const override {
    const Shape& shape = x->type().shape;
    if (shape.rank() != 2)
      throw ShapeError(fmt::format("{}: the input is {}, expected [batch, features]", name(),
                                   x->type().to_string()));
    const std::int64_t batch = shape[0], features = shape[1];
    x = builder.graph().apply(ops::reshape({batch, 1, features}), {x}, name());
    return builder.graph().apply(ops::broadcast({batch, options_.count, features}), {x}, name());
  }
};

struct SliceOptions {
  std::int64_t begin = 0, count = 0;
};

class SliceLayer final : public LayerOf<SliceLayer, SliceOptions> {
 public:
  static constexpr const char* kType = "slice";
  static OptionFields<SliceOptions> fields() {
    return {{"begin", &SliceOptions::begin, "the first step", true},
            {"count", &SliceOptions::count, "how many steps", true}};
  }
  SliceLayer(std::string name, SliceOptions options)
      : LayerOf(std::move(name), std::move(options)) {
    if (options_.begin < 0 || options_.begin > kMostSteps)
      throw OptionError("begin", options_.begin, fmt::format("0 to {}", kMostSteps));
    if (options_.count < 1 || options_.count > kMostSteps)
      throw OptionError("count", options_.count, fmt::format("1 to {}", kMostSteps));
  }
  std::string description() const override {
    return fmt::format("steps {} to {}", options_.begin, options_.begin + options_.count - 1);
  }
  // Any dtype: tokens are sliced as well.
  bool takes_bf16() const override { return true; }
  graph::Value* build(Builder& builder, graph::Value* x) const override {
    expect_steps(name(), x);
    if (builder.step_mask() != nullptr)
      throw ShapeError(
          fmt::format("{}: steps that are masked cannot be cut; slice tokens before "
                      "their embedding",
                      name()));
    if (x->type().dtype == DType::bf16) x = builder.as_f32(x);
    std::vector<std::int64_t> extents = extents_of(x->type().shape), begin(extents.size(), 0);
    if (options_.begin + options_.count > extents[1])
      throw ShapeError(fmt::format("{}: the input is {}, which has no steps {} to {}", name(),
                                   x->type().to_string(), options_.begin,
                                   options_.begin + options_.count - 1));
    begin[1] = options_.begin;
    extents[1] = options_.count;
    return builder.graph().apply(ops::slice(begin, extents), {x}, name());
  }
};

}  // namespace

Network& Network::time_distributed(const Network& branch) {
  return append<TimeDistributedLayer>({branch.layers()});
}
Network& Network::bidirectional(const Network& layer) {
  return append<BidirectionalLayer>({layer.layers()});
}
Network& Network::repeat_vector(std::int64_t count) {
  return append<RepeatVectorLayer>({count});
}
Network& Network::slice(std::int64_t begin, std::int64_t count) {
  return append<SliceLayer>({begin, count});
}

void register_sequence_layers(LayerTypes& types) {
  types.add<TimeDistributedLayer>("layers applied to every step on its own");
  types.add<BidirectionalLayer>("a recurrent layer in both directions, side by side");
  types.add<RepeatVectorLayer>("the same vector at every step");
  types.add<SliceLayer>("some of the steps");
}

}  // namespace engine
