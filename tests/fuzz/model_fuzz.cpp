// Model files: what is accepted can be described, and the description makes the same model.
#include <optional>

#include "engine/core/error.h"
#include "models/file/model_file.h"
#include "tests/fuzz/fuzz.h"

using engine::fuzz::file_of;
using engine::fuzz::require;

namespace {

const std::string& file_of_text(const std::string& text) {
  return file_of(reinterpret_cast<const std::uint8_t*>(text.data()), text.size(), ".toml");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::optional<std::string> text;
  try {
    text = describe_model(engine::load_model_file(file_of(data, size, ".toml")));
  } catch (const engine::DataError&) {
    return 0;
  }
  require(text.has_value(), "a model from a file that cannot be described");
  const auto again = describe_model(engine::load_model_file(file_of_text(*text)));
  require(again == text, "a model that changes when it is described");
  return 0;
}
