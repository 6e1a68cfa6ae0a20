// Softmax and its logarithm, over the last axis. A softmax before a cross-entropy that applies one
// itself is recognised when the training graph is built.
#include "ops/softmax.h"

#include "models/layers/layer_type.h"
#include "models/layers/network.h"

namespace engine {
namespace {

struct SoftmaxOptions {};

class SoftmaxLayer final : public LayerOf<SoftmaxLayer, SoftmaxOptions> {
 public:
  static constexpr const char* kType = "softmax";
  static OptionFields<SoftmaxOptions> fields() { return {}; }
  using LayerOf::LayerOf;
  std::string description() const override { return kType; }
  graph::Value* build(Builder& builder, graph::Value* x) const override {
    return builder.graph().apply(ops::softmax(), {x}, name());
  }
};

class LogSoftmaxLayer final : public LayerOf<LogSoftmaxLayer, SoftmaxOptions> {
 public:
  static constexpr const char* kType = "log_softmax";
  static OptionFields<SoftmaxOptions> fields() { return {}; }
  using LayerOf::LayerOf;
  std::string description() const override { return kType; }
  graph::Value* build(Builder& builder, graph::Value* x) const override {
    return builder.graph().apply(ops::log_softmax(), {x}, name());
  }
};

}  // namespace

Network& Network::softmax() {
  return append<SoftmaxLayer>({});
}

Network& Network::log_softmax() {
  return append<LogSoftmaxLayer>({});
}

void register_softmax_layers(LayerTypes& types) {
  types.add<SoftmaxLayer>("softmax over the last axis");
  types.add<LogSoftmaxLayer>("logarithm of the softmax over the last axis");
}

}  // namespace engine
