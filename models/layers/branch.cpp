// Layers that run their input through a branch of further layers and join what comes out with the
// input itself: by a sum (residual; He, Zhang, Ren, Sun, CVPR 2016), or side by side (concatenate;
// Huang, Liu, van der Maaten, Weinberger, CVPR 2017). Layers of the branch are called
// "residual_1/dense_1".
#include <fmt/format.h>

#include "graph/op.h"
#include "models/layers/layer_type.h"
#include "models/layers/network.h"
#include "ops/movement.h"

namespace engine {
namespace {

struct BranchOptions {
  LayerList layers;
};

template <class Self>
class BranchLayer : public LayerOf<Self, BranchOptions> {
 public:
  static OptionFields<BranchOptions> fields() {
    return {{"layer", &BranchOptions::layers, "the layers of the branch", true}};
  }

  BranchLayer(std::string name, BranchOptions options)
      : LayerOf<Self, BranchOptions>(std::move(name), std::move(options)) {
    if (this->options_.layers.empty())
      throw OptionError("layer", this->options_.layers, "one layer or more");
    for (const auto& layer : this->options_.layers)
      layers_.push_back(layer->renamed(this->name() + "/" + layer->name()));
  }

  std::string description() const override {
    std::string text = Self::kType;
    for (const auto& layer : layers_) {
      text += text == Self::kType ? " of " : ", ";
      text += layer->description();
    }
    return text;
  }

  bool takes_bf16() const override { return true; }

  graph::Value* build(Builder& builder, graph::Value* x) const override {
    graph::Value* y = x;
    for (const auto& layer : layers_) y = layer->apply(builder, y);
    return static_cast<const Self*>(this)->join(builder, x, y);
  }

 private:
  LayerList layers_;  // with their full names
};

class ResidualLayer final : public BranchLayer<ResidualLayer> {
 public:
  static constexpr const char* kType = "residual";
  using BranchLayer::BranchLayer;

  graph::Value* join(Builder& builder, graph::Value* x, graph::Value* y) const {
    if (x->type().dtype != y->type().dtype) {
      x = builder.as_f32(x);
      y = builder.as_f32(y);
    }
    if (x->type() != y->type())
      throw ShapeError(fmt::format("{}: the branch makes {} of {}, expected the same type", name(),
                                   y->type().to_string(), x->type().to_string()));
    return builder.graph().apply(graph::make_add(), {x, y}, name());
  }
};

class ConcatenateLayer final : public BranchLayer<ConcatenateLayer> {
 public:
  static constexpr const char* kType = "concatenate";
  using BranchLayer::BranchLayer;

  graph::Value* join(Builder& builder, graph::Value* x, graph::Value* y) const {
    return builder.graph().apply(ops::concatenate(1), {builder.as_f32(x), builder.as_f32(y)},
                                 name());
  }
};

}  // namespace

Network& Network::residual(const Network& branch) {
  return append<ResidualLayer>({branch.layers()});
}

Network& Network::concatenate(const Network& branch) {
  return append<ConcatenateLayer>({branch.layers()});
}

void register_branch_layers(LayerTypes& types) {
  types.add<ResidualLayer>("y = x + branch(x)");
  types.add<ConcatenateLayer>("x and branch(x) side by side along axis 1");
}

}  // namespace engine
