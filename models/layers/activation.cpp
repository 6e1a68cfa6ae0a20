#include "models/layers/activation.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "kernels/elementwise.h"
#include "models/layers/layer_type.h"
#include "models/layers/network.h"
#include "ops/elementwise.h"

namespace engine {
namespace {

// The options of the functions that have any.
std::vector<OptionSpec> option_specs(const std::string& function) {
  if (function == "leaky_relu") return {{"alpha", "slope below 0", 0.01}};
  if (function == "elu") return {{"alpha", "minus the limit far below 0", 1.0}};
  if (function == "scale_shift")
    return {{"scale", "x is multiplied by", 1.0}, {"shift", "added after that", 0.0}};
  return {};
}

graph::Value* emit(Builder& builder, const std::string& function, const OptionValues& options,
                   graph::Value* x, const std::string& label) {
  Attributes attributes;
  for (const auto& [name, value] : options) attributes.set(name, std::get<double>(value));
  return builder.graph().apply(ops::elementwise(function, attributes), {x}, label);
}

// One class for all functions: the type is the function's name.
class ActivationLayer final : public Layer {
 public:
  ActivationLayer(std::string name, std::string function, const OptionValues& options)
      : Layer(std::move(name)),
        function_(std::move(function)),
        options_(resolve_options(option_specs(function_), options)) {
    for (const auto& [option, value] : options_)
      if (!std::isfinite(static_cast<float>(std::get<double>(value))))
        throw OptionError(option, value, "a finite number");
  }

  std::string description() const override {
    std::string text = function_;
    for (const auto& [option, value] : options_) text += " " + option_text(value);
    return text;
  }
  bool takes_bf16() const override { return true; }
  graph::Value* build(Builder& builder, graph::Value* x) const override {
    return emit(builder, function_, options_, x, name());
  }
  std::string type() const override { return function_; }
  OptionValues options() const override { return options_; }
  std::shared_ptr<const Layer> renamed(std::string name) const override {
    return std::make_shared<ActivationLayer>(std::move(name), function_, options_);
  }

 private:
  std::string function_;
  OptionValues options_;
};

}  // namespace

std::vector<std::string> activation_names() {
  std::vector<std::string> names{kLinear};
  for (const ElementwiseFunction& function : elementwise_functions())
    names.emplace_back(function.name);
  return names;
}

void check_activation(const std::string& option, const std::string& function) {
  const std::vector<std::string> names = activation_names();
  if (std::find(names.begin(), names.end(), function) == names.end())
    throw OptionError(option, function, fmt::format("one of: {}", fmt::join(names, ", ")));
}

graph::Value* apply_activation(Builder& builder, const std::string& function, graph::Value* x,
                               const std::string& label) {
  if (function == kLinear) return x;
  return emit(builder, function, resolve_options(option_specs(function), {}), x, label);
}

Network& Network::activation(const std::string& function, const OptionValues& options) {
  const std::vector<std::string> names = activation_names();
  if (function == kLinear || std::find(names.begin(), names.end(), function) == names.end())
    throw UsageError(fmt::format("no activation is called '{}', expected one of: {}", function,
                                 fmt::join(std::span(names).subspan(1), ", ")));
  return add(function, options);
}

void register_activation_layers(LayerTypes& types) {
  for (const ElementwiseFunction& each : elementwise_functions()) {
    const std::string function(each.name);
    types.add({function, "element-wise", option_specs(function),
               [function](std::string name, const OptionValues& values) {
                 return std::make_shared<ActivationLayer>(std::move(name), function, values);
               }});
  }
}

}  // namespace engine
