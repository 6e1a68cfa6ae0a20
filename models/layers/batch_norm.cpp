// Batch normalization: by the batch's statistics in training, where running ones follow them, and
// by the running ones in inference.
#include "ops/batch_norm.h"

#include <fmt/format.h>

#include "models/layers/layer_type.h"
#include "models/layers/network.h"

namespace engine {
namespace {

class BatchNormLayer final : public LayerOf<BatchNormLayer, BatchNormOptions> {
 public:
  static constexpr const char* kType = "batch_norm";
  static OptionFields<BatchNormOptions> fields() {
    return {{"momentum", &BatchNormOptions::momentum, "what running statistics keep in a step"},
            {"epsilon", &BatchNormOptions::epsilon, "added to the variance"}};
  }

  BatchNormLayer(std::string name, BatchNormOptions options)
      : LayerOf(std::move(name), std::move(options)) {
    if (!(options_.momentum >= 0 && options_.momentum < 1))
      throw OptionError("momentum", options_.momentum, "one in [0, 1)");
    if (!(options_.epsilon > 0 && options_.epsilon <= 1))
      throw OptionError("epsilon", options_.epsilon, "one in (0, 1]");
  }

  std::string description() const override { return kType; }

  graph::Value* build(Builder& builder, graph::Value* x) const override {
    if (x->type().shape.rank() < 2)
      throw ShapeError(fmt::format("{}: the input is {}, expected [batch, channels, ...]", name(),
                                   x->type().to_string()));
    const std::int64_t channels = x->type().shape[1];
    const auto parameter = [&](const char* part, double start) {
      return builder.parameter(name() + part, {channels}, Initializer::constant(start), channels,
                               channels);
    };
    graph::Value* gamma = parameter("/gamma", 1);
    graph::Value* beta = parameter("/beta", 0);
    const std::string mean_name = name() + "/mean", variance_name = name() + "/variance";
    graph::Value* mean = builder.statistic(mean_name, {channels}, 0);
    graph::Value* variance = builder.statistic(variance_name, {channels}, 1);
    if (builder.mode() == Mode::inference)
      return builder.graph().apply(ops::batch_norm_inference(options_.epsilon),
                                   {x, gamma, beta, mean, variance}, name());
    graph::Node& node =
        builder.graph().add(ops::batch_norm(options_.epsilon), {x, gamma, beta}, name());
    builder.update_statistic(mean_name, mean, node.output(1), options_.momentum);
    builder.update_statistic(variance_name, variance, node.output(2), options_.momentum);
    return node.output(0);
  }
};

}  // namespace

Network& Network::batch_norm(BatchNormOptions options) {
  return append<BatchNormLayer>(options);
}

void register_batch_norm_layers(LayerTypes& types) {
  types.add<BatchNormLayer>("batch normalization of every channel (axis 1)");
}

}  // namespace engine
