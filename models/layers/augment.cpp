// Random shift and mirroring of images: there in training, no node at all in inference. It has no
// gradient, so it comes before any layer with parameters; usually it is the first.
#include "ops/augment.h"

#include <fmt/format.h>

#include "models/layers/layer_type.h"
#include "models/layers/network.h"

namespace engine {
namespace {

class AugmentLayer final : public LayerOf<AugmentLayer, AugmentOptions> {
 public:
  static constexpr const char* kType = "augment";
  static OptionFields<AugmentOptions> fields() {
    return {{"shift", &AugmentOptions::shift, "most that an image moves, of its height and width"},
            {"horizontal_flip", &AugmentOptions::horizontal_flip, "mirror every other image"}};
  }

  AugmentLayer(std::string name, AugmentOptions options)
      : LayerOf(std::move(name), std::move(options)) {
    if (!(options_.shift >= 0 && options_.shift < 1))
      throw OptionError("shift", options_.shift, "one in [0, 1)");
  }

  std::string description() const override {
    return fmt::format("augment shift {}{}", options_.shift,
                       options_.horizontal_flip ? ", horizontal flip" : "");
  }

  bool takes_bf16() const override { return true; }
  graph::Value* build(Builder& builder, graph::Value* x) const override {
    if (x->type().shape.rank() != 4)
      throw ShapeError(fmt::format("{}: the input is {}, expected [batch, channels, height, width]",
                                   name(), x->type().to_string()));
    const bool idle = options_.shift == 0 && !options_.horizontal_flip;
    if (builder.mode() == Mode::inference || idle) return x;
    const AugmentAttributes attributes{options_.shift, options_.horizontal_flip,
                                       builder.key(name())};
    return builder.graph().apply(ops::augment(attributes), {x, builder.step()}, name());
  }
};

}  // namespace

Network& Network::augment(AugmentOptions options) {
  return append<AugmentLayer>(options);
}

void register_augment_layers(LayerTypes& types) {
  types.add<AugmentLayer>("in training, shifts and mirrors images");
}

}  // namespace engine
