#include "models/zoo/zoo.h"

#include <fmt/format.h>

#include "engine/core/error.h"
#include "models/file/model_file.h"

namespace engine {

ModelDefinition find_model(const std::string& name) {
  if (name.ends_with(".toml")) return load_model_file(name);
  std::string known;
  for (ModelDefinition& model : zoo()) {
    if (model.name == name) return std::move(model);
    known += (known.empty() ? "" : ", ") + model.name;
  }
  throw UsageError(fmt::format("no model is called '{}'; expected one of: {}", name, known));
}

}  // namespace engine
