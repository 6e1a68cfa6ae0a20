// Layers that run their input through a branch of further layers and join what comes out with the
// input itself: by a sum (residual; He, Zhang, Ren, Sun, CVPR 2016), or side by side (concatenate;
// Huang, Liu, van der Maaten, Weinberger, CVPR 2017). Where the branch changes the shape, a
// shortcut of layers brings the input to it. Layers of the branch are called "residual_1/dense_1",
// those of the shortcut "residual_1/shortcut/dense_1".
#include <fmt/format.h>

#include "models/layers/layer_type.h"
#include "models/layers/network.h"
#include "ops/binary.h"
#include "ops/movement.h"

namespace engine {
namespace {

struct BranchOptions {
  LayerList layers;
};

struct ResidualOptions : BranchOptions {
  LayerList shortcut;
};

// The layers with their full names.
LayerList with_prefix(const LayerList& layers, const std::string& prefix) {
  LayerList result;
  for (const auto& layer : layers) result.push_back(layer->renamed(prefix + layer->name()));
  return result;
}

std::string description_of(const LayerList& layers) {
  std::string text;
  for (const auto& layer : layers) text += (text.empty() ? "" : ", ") + layer->description();
  return text;
}

graph::Value* build_all(const LayerList& layers, Builder& builder, graph::Value* x) {
  for (const auto& layer : layers) x = layer->apply(builder, x);
  return x;
}

template <class Self, class Options>
class BranchLayer : public LayerOf<Self, Options> {
 public:
  BranchLayer(std::string name, Options options)
      : LayerOf<Self, Options>(std::move(name), std::move(options)),
        layers_(with_prefix(this->options_.layers, this->name() + "/")) {
    if (layers_.empty()) throw OptionError("layer", layers_, "one layer or more");
  }

  std::string description() const override {
    return fmt::format("{} of {}", Self::kType, description_of(layers_));
  }

  bool takes_bf16() const override { return true; }

 protected:
  static OptionFields<Options> branch_fields() {
    return {{"layer", &Options::layers, "the layers of the branch", true}};
  }
  graph::Value* branch(Builder& builder, graph::Value* x) const {
    return build_all(layers_, builder, x);
  }

 private:
  LayerList layers_;
};

class ResidualLayer final : public BranchLayer<ResidualLayer, ResidualOptions> {
 public:
  static constexpr const char* kType = "residual";
  static OptionFields<ResidualOptions> fields() {
    OptionFields<ResidualOptions> fields = branch_fields();
    fields.push_back({"shortcut", &ResidualOptions::shortcut, "layers that x passes instead"});
    return fields;
  }

  ResidualLayer(std::string name, ResidualOptions options)
      : BranchLayer(std::move(name), std::move(options)),
        shortcut_(with_prefix(options_.shortcut, this->name() + "/shortcut/")) {}

  std::string description() const override {
    const std::string text = BranchLayer::description();
    return shortcut_.empty() ? text : text + "; shortcut of " + description_of(shortcut_);
  }

  graph::Value* build(Builder& builder, graph::Value* x) const override {
    graph::Value* mask = builder.step_mask();
    graph::Value* y = branch(builder, x);
    graph::Value* branch_mask = builder.step_mask();
    builder.set_step_mask(mask);
    x = build_all(shortcut_, builder, x);
    join_masks(builder, branch_mask);
    if (x->type().dtype != y->type().dtype) {
      x = builder.as_f32(x);
      y = builder.as_f32(y);
    }
    if (x->type() != y->type())
      throw ShapeError(fmt::format(
          "{}: the branch makes {}, {} {}, expected the same type", name(), y->type().to_string(),
          shortcut_.empty() ? "the input is" : "the shortcut", x->type().to_string()));
    return builder.graph().apply(ops::add(), {x, y}, name());
  }

 private:
  // The sum has the mask of whichever side has one.
  void join_masks(Builder& builder, graph::Value* branch_mask) const {
    graph::Value* mask = builder.step_mask();
    if (mask == nullptr)
      builder.set_step_mask(branch_mask);
    else if (branch_mask != nullptr && branch_mask != mask)
      throw ShapeError(fmt::format("{}: both sides mask steps of their own", name()));
  }

  LayerList shortcut_;
};

class ConcatenateLayer final : public BranchLayer<ConcatenateLayer, BranchOptions> {
 public:
  static constexpr const char* kType = "concatenate";
  static OptionFields<BranchOptions> fields() { return branch_fields(); }
  using BranchLayer::BranchLayer;

  graph::Value* build(Builder& builder, graph::Value* x) const override {
    graph::Value* y = branch(builder, x);
    return builder.graph().apply(ops::concatenate(1), {builder.as_f32(x), builder.as_f32(y)},
                                 name());
  }
};

}  // namespace

Network& Network::residual(const Network& branch, const Network& shortcut) {
  return append<ResidualLayer>({{branch.layers()}, shortcut.layers()});
}

Network& Network::concatenate(const Network& branch) {
  return append<ConcatenateLayer>({branch.layers()});
}

void register_branch_layers(LayerTypes& types) {
  types.add<ResidualLayer>("y = x + branch(x), or shortcut(x) + branch(x)");
  types.add<ConcatenateLayer>("x and branch(x) side by side along axis 1");
}

}  // namespace engine
