// The table of layer types: what a model file can ask for. Each file of layers adds its own, by a
// function `register_<stem>_layers` that the build calls (see engine_layer in
// cmake/EngineModel.cmake); an application may add to it, too.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "models/layers/layer.h"

namespace engine {

struct LayerType {
  std::string name;     ///< "dense"
  std::string meaning;  ///< a line
  std::vector<OptionSpec> options;
  /// Throws OptionError, as the builder does.
  std::function<std::shared_ptr<const Layer>(std::string name, const OptionValues& values)> make;
};

class LayerTypes {
 public:
  /// Throws UsageError when there is one of that name.
  void add(LayerType type);
  /// For L derived from LayerOf.
  template <class L>
  void add(const std::string& meaning) {
    add({L::kType, meaning, option_specs(L::fields()),
         [](std::string name, const OptionValues& values) -> std::shared_ptr<const Layer> {
           typename L::Options options;
           set_options(L::fields(), values, options);
           return std::make_shared<L>(std::move(name), std::move(options));
         }});
  }
  /// nullptr when there is none of that name.
  const LayerType* find(const std::string& name) const;
  const std::vector<LayerType>& all() const { return types_; }

 private:
  std::vector<LayerType> types_;
};

/// The types that there are; at first the engine's own.
LayerTypes& layer_types();
/// Generated: adds the engine's own.
void register_layers(LayerTypes& types);

}  // namespace engine
