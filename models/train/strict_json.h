// JSON from files that may be hostile: a known depth, no key twice in one object.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace engine {

/// Parses all of `text`. Throws DataError, prefixed by `where`, for text that is not JSON,
/// containers nested deeper than `deepest`, and an object with the same key twice.
nlohmann::json parse_strict_json(std::string_view text, const std::string& where, int deepest);

}  // namespace engine
