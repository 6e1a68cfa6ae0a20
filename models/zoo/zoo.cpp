#include "models/zoo/zoo.h"

#include <fmt/format.h>

#include "engine/core/error.h"

namespace engine {

ModelDefinition find_model(const std::string& name) {
  std::string known;
  for (ModelDefinition& model : zoo()) {
    if (model.name == name) return std::move(model);
    known += (known.empty() ? "" : ", ") + model.name;
  }
  throw UsageError(fmt::format("no model is called '{}'; expected one of: {}", name, known));
}

}  // namespace engine
