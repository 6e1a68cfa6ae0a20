// Writes model files.
#include <fmt/format.h>

#include <algorithm>

#include "models/file/model_file.h"
#include "models/file/model_options.h"
#include "models/layers/layer_type.h"

namespace engine {
namespace {

template <class Owner>
std::string text_of(const OptionFields<Owner>& fields, const Owner& owner) {
  std::string text;
  for (const OptionField<Owner>& field : fields)
    text += fmt::format("{} = {}\n", field.name, option_text(field.get(owner)));
  return text;
}

bool is_known(const LayerList& layers) {
  return std::all_of(layers.begin(), layers.end(), [](const auto& layer) {
    if (layer_types().find(layer->type()) == nullptr) return false;
    for (const auto& [name, value] : layer->options())
      if (const auto* branch = std::get_if<LayerList>(&value); branch && !is_known(*branch))
        return false;
    return true;
  });
}

// `header` is the tables' name, "layer" or "layer.layer".
std::string text_of(const LayerList& layers, const std::string& header) {
  std::string text;
  for (const auto& layer : layers) {
    text += fmt::format("\n[[{}]]\ntype = {}\n", header, option_text(layer->type()));
    std::string branches;  // a table's own keys come before its tables
    const OptionValues values = layer->options();
    for (const OptionSpec& option : layer_types().find(layer->type())->options) {
      const OptionValue& value = values.at(option.name);
      if (const auto* branch = std::get_if<LayerList>(&value))
        branches += text_of(*branch, header + "." + option.name);
      else
        text += fmt::format("{} = {}\n", option.name, option_text(value));
    }
    text += branches;
  }
  return text;
}

}  // namespace

std::optional<std::string> describe_model(const ModelDefinition& model) {
  if (!is_known(model.network.layers())) return std::nullopt;
  return text_of(model_fields(), ModelOptions(model)) + "\n[optimizer]\n" +
         text_of(optimizer_fields(), OptimizerOptions(model.optimizer)) +
         text_of(model.network.layers(), "layer");
}

}  // namespace engine
