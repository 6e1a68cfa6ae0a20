// Drop-out: there in training, no node at all in inference.
#include "ops/dropout.h"

#include <fmt/format.h>

#include "models/layers/layer_type.h"
#include "models/layers/network.h"

namespace engine {
namespace {

struct DropoutOptions {
  double rate = 0.5;
};

class DropoutLayer final : public LayerOf<DropoutLayer, DropoutOptions> {
 public:
  static constexpr const char* kType = "dropout";
  static OptionFields<DropoutOptions> fields() {
    return {{"rate", &DropoutOptions::rate, "probability to drop an element", true}};
  }

  DropoutLayer(std::string name, DropoutOptions options)
      : LayerOf(std::move(name), std::move(options)) {
    if (!(options_.rate >= 0 && options_.rate < 1))
      throw OptionError("rate", options_.rate, "one in [0, 1)");
  }

  std::string description() const override { return fmt::format("dropout {}", options_.rate); }

  bool takes_bf16() const override { return true; }
  graph::Value* build(Builder& builder, graph::Value* x) const override {
    if (builder.mode() == Mode::inference || options_.rate == 0) return x;
    return builder.graph().apply(ops::dropout({options_.rate, builder.key(name())}),
                                 {x, builder.step()}, name());
  }
};

}  // namespace

Network& Network::dropout(double rate) {
  return append<DropoutLayer>({rate});
}

void register_dropout_layers(LayerTypes& types) {
  types.add<DropoutLayer>("in training, drops elements and scales up the others");
}

}  // namespace engine
