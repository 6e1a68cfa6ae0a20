#include "models/layers/layer_type.h"

#include <algorithm>

#include "engine/core/error.h"

namespace engine {

std::shared_ptr<const Layer> Layer::renamed(std::string name) const {
  throw UsageError("layer '" + this->name() + "' cannot be called '" + name +
                   "': it does not override renamed(), which layers of a branch need");
}

void LayerTypes::add(LayerType type) {
  if (find(type.name) != nullptr)
    throw UsageError("there is a layer type '" + type.name + "' already");
  types_.push_back(std::move(type));
}

const LayerType* LayerTypes::find(const std::string& name) const {
  const auto found = std::find_if(types_.begin(), types_.end(),
                                  [&name](const LayerType& type) { return type.name == name; });
  return found == types_.end() ? nullptr : &*found;
}

LayerTypes& layer_types() {
  static LayerTypes types = [] {
    LayerTypes built_in;
    register_layers(built_in);
    return built_in;
  }();
  return types;
}

}  // namespace engine
