// config.json: what is accepted is written and read back as the same, up to bytes that are no
// UTF-8.
#include "engine/core/error.h"
#include "models/train/run_config.h"
#include "models/train/settings.h"
#include "tests/fuzz/fuzz.h"

using engine::RunConfig;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const std::string text(reinterpret_cast<const char*>(data), size);
    const RunConfig config = RunConfig::from_json(text, "config.json");
    const RunConfig again = RunConfig::from_json(config.to_json(), "again");
    engine::fuzz::require(config == again, "a configuration that changes when it is written");
    engine::from_config(config);
  } catch (const engine::DataError&) {
    return 0;
  }
  return 0;
}
