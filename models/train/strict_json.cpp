#include "models/train/strict_json.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <unordered_set>
#include <vector>

#include "engine/core/error.h"
#include "models/data/input_file.h"

namespace engine {

using nlohmann::json;

json parse_strict_json(std::string_view text, const std::string& where, int deepest) {
  std::vector<std::unordered_set<std::string>> keys;  // of each object that is open
  const auto watch = [&](int depth, json::parse_event_t event, json& parsed) {
    using Event = json::parse_event_t;
    if ((event == Event::object_start || event == Event::array_start) && depth >= deepest)
      throw DataError(fmt::format("{}: JSON nested deeper than {}", where, deepest));
    if (event == Event::object_start) keys.emplace_back();
    if (event == Event::object_end) keys.pop_back();
    if (event == Event::key && !keys.back().insert(parsed.get<std::string>()).second)
      throw DataError(
          fmt::format("{}: duplicate key '{}'", where, printable(parsed.get<std::string>())));
    return true;
  };
  try {
    return json::parse(text.begin(), text.end(), watch);
  } catch (const json::exception& failure) {
    throw DataError(fmt::format("{}: not valid JSON: {}", where, failure.what()));
  }
}

}  // namespace engine
