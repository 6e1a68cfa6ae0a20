// The fully connected layer.
#include "ops/dense.h"

#include <fmt/format.h>

#include "models/layers/activation.h"
#include "models/layers/layer_type.h"
#include "models/layers/network.h"

namespace engine {
namespace {

class DenseLayer final : public LayerOf<DenseLayer, DenseOptions> {
 public:
  static constexpr const char* kType = "dense";
  static OptionFields<DenseOptions> fields() {
    return {{"units", &DenseOptions::units, "outputs", true},
            {"activation", &DenseOptions::activation, "an element-wise function"},
            {"use_bias", &DenseOptions::use_bias, "whether a bias is added"},
            {"kernel_initializer", &DenseOptions::kernel_initializer, "how weights start"},
            {"bias_initializer", &DenseOptions::bias_initializer, "how the bias starts"}};
  }

  DenseLayer(std::string name, DenseOptions options)
      : LayerOf(std::move(name), std::move(options)) {
    if (options_.units < 1 || options_.units > kMostUnits)
      throw OptionError("units", options_.units, fmt::format("1 to {}", kMostUnits));
    if (options_.bias_initializer.kind == Initializer::Kind::orthogonal)
      throw OptionError("bias_initializer", options_.bias_initializer, "one for a vector");
    check_activation("activation", options_.activation);
  }

  std::string description() const override {
    std::string text = fmt::format("dense {}", options_.units);
    if (options_.activation != kLinear) text += " " + options_.activation;
    return options_.use_bias ? text : text + ", no bias";
  }

  bool takes_bf16() const override { return true; }

  graph::Value* build(Builder& builder, graph::Value* x) const override {
    if (x->type().shape.rank() != 2)
      throw ShapeError(fmt::format("{}: the input is {}, expected [batch, features]", name(),
                                   x->type().to_string()));
    const std::int64_t features = x->type().shape[1], units = options_.units;
    graph::Value* weights = builder.parameter(name() + "/weights", {features, units},
                                              options_.kernel_initializer, features, units);
    graph::Value* bias =
        builder.bias(name(), units, options_.use_bias, options_.bias_initializer, features, units);
    x = builder.as_activation(x);
    DenseAttributes attributes;
    attributes.output = x->type().dtype;
    graph::Value* y = builder.graph().apply(ops::dense(attributes), {x, weights, bias}, name());
    return apply_activation(builder, options_.activation, y, name());
  }

 private:
  static constexpr std::int64_t kMostUnits = std::int64_t{1} << 24;
};

}  // namespace

Network& Network::dense(std::int64_t units, DenseOptions options) {
  options.units = units;
  return append<DenseLayer>(std::move(options));
}

void register_dense_layers(LayerTypes& types) {
  types.add<DenseLayer>("fully connected: y = activation(x · weights + bias)");
}

}  // namespace engine
