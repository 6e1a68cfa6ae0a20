// Layer normalization over the last axis.
#include "ops/layer_norm.h"

#include "models/layers/layer_type.h"
#include "models/layers/network.h"

namespace engine {
namespace {

class LayerNormLayer final : public LayerOf<LayerNormLayer, LayerNormOptions> {
 public:
  static constexpr const char* kType = "layer_norm";
  static OptionFields<LayerNormOptions> fields() {
    return {{"epsilon", &LayerNormOptions::epsilon, "added to the variance"}};
  }

  LayerNormLayer(std::string name, LayerNormOptions options)
      : LayerOf(std::move(name), std::move(options)) {
    if (!(options_.epsilon > 0 && options_.epsilon <= 1))
      throw OptionError("epsilon", options_.epsilon, "one in (0, 1]");
  }

  std::string description() const override { return kType; }

  graph::Value* build(Builder& builder, graph::Value* x) const override {
    const std::int64_t length = x->type().shape[-1];
    const auto parameter = [&](const char* part, double start) {
      return builder.parameter(name() + part, {length}, Initializer::constant(start), length,
                               length);
    };
    graph::Value* gamma = parameter("/gamma", 1);
    graph::Value* beta = parameter("/beta", 0);
    return builder.graph()
        .add(ops::layer_norm(options_.epsilon), {x, gamma, beta}, name())
        .output(0);
  }
};

}  // namespace

Network& Network::layer_norm(LayerNormOptions options) {
  return append<LayerNormLayer>(options);
}

void register_layer_norm_layers(LayerTypes& types) {
  types.add<LayerNormLayer>("layer normalization over the last axis");
}

}  // namespace engine
