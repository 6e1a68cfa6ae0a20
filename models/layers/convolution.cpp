// The convolutional layer.
#include "ops/convolution.h"

#include <fmt/format.h>

#include <algorithm>

#include "models/layers/activation.h"
#include "models/layers/layer_type.h"
#include "models/layers/network.h"
#include "models/layers/window.h"

namespace engine {
namespace {

class ConvolutionLayer final : public LayerOf<ConvolutionLayer, ConvolutionOptions> {
 public:
  static constexpr const char* kType = "convolution";
  static OptionFields<ConvolutionOptions> fields() {
    using O = ConvolutionOptions;
    return {{"filters", &O::filters, "output channels", true},
            {"kernel", &O::kernel, "extents of a filter; one number serves all dimensions", true},
            {"stride", &O::stride, "between positions of a filter"},
            {"dilation", &O::dilation, "between elements that a filter reads"},
            {"padding", &O::padding, kPaddingMeaning},
            {"groups", &O::groups, "of channels that are convolved apart"},
            {"activation", &O::activation, "an element-wise function"},
            {"use_bias", &O::use_bias, "whether a bias is added"},
            {"kernel_initializer", &O::kernel_initializer, "how weights start"},
            {"bias_initializer", &O::bias_initializer, "how the bias starts"}};
  }

  ConvolutionLayer(std::string name, ConvolutionOptions options)
      : LayerOf(std::move(name), std::move(options)) {
    constexpr std::int64_t most = 1 << 20;
    if (options_.filters < 1 || options_.filters > most)
      throw OptionError("filters", options_.filters, fmt::format("1 to {}", most));
    if (options_.groups < 1 || options_.filters % options_.groups != 0)
      throw OptionError("groups", options_.groups,
                        fmt::format("a divisor of the {} filters", options_.filters));
    check_extents("kernel", options_.kernel);
    check_extents("stride", options_.stride);
    check_extents("dilation", options_.dilation);
    check_padding(options_.padding);
    if (options_.kernel_initializer.kind == Initializer::Kind::orthogonal)
      throw OptionError("kernel_initializer", options_.kernel_initializer, "one for any shape");
    if (options_.bias_initializer.kind == Initializer::Kind::orthogonal)
      throw OptionError("bias_initializer", options_.bias_initializer, "one for a vector");
    check_activation("activation", options_.activation);
  }

  std::string description() const override {
    std::string text =
        fmt::format("convolution {} x {}", print_extents(options_.kernel), options_.filters);
    text += print_padding(options_.padding);
    if (options_.stride != kOnes) text += " stride " + print_extents(options_.stride);
    if (options_.dilation != kOnes) text += " dilation " + print_extents(options_.dilation);
    if (options_.groups != 1) text += fmt::format(" in {} groups", options_.groups);
    if (options_.activation != kLinear) text += " " + options_.activation;
    return options_.use_bias ? text : text + ", no bias";
  }

  bool takes_bf16() const override { return true; }

  graph::Value* build(Builder& builder, graph::Value* x) const override {
    const Shape& shape = x->type().shape;
    const int rank = expect_image_rank(name(), x->type());
    const std::int64_t inputs = shape[1], groups = options_.groups;
    if (inputs % groups != 0)
      throw ShapeError(fmt::format("{}: the input is {}, whose {} channels are not {} groups",
                                   name(), x->type().to_string(), inputs, groups));
    const Extents3 kernel = spatial_option(name(), "kernel", options_.kernel, rank);
    ConvolutionAttributes attributes;
    attributes.groups = groups;
    attributes.window =
        make_window(name(), options_.stride, options_.dilation, options_.padding, shape, kernel);
    const std::int64_t taps = kernel[0] * kernel[1] * kernel[2];
    const std::int64_t fan_in = inputs / groups * taps, fan_out = options_.filters / groups * taps;
    graph::Value* weights = builder.parameter(
        name() + "/weights", ops::image_shape(options_.filters, inputs / groups, kernel, rank),
        options_.kernel_initializer, fan_in, fan_out);
    graph::Value* bias = builder.bias(name(), options_.filters, options_.use_bias,
                                      options_.bias_initializer, fan_in, fan_out);
    x = builder.as_activation(x);
    attributes.epilogue.output = x->type().dtype;
    graph::Value* y =
        builder.graph().apply(ops::convolution(attributes), {x, weights, bias}, name());
    return apply_activation(builder, options_.activation, y, name());
  }
};

}  // namespace

Network& Network::convolution(std::int64_t filters, std::vector<std::int64_t> kernel,
                              ConvolutionOptions options) {
  options.filters = filters;
  options.kernel = std::move(kernel);
  return append<ConvolutionLayer>(std::move(options));
}

void register_convolution_layers(LayerTypes& types) {
  types.add<ConvolutionLayer>("cross-correlation with filters, over one to three dimensions");
}

}  // namespace engine
