// Where what may be computed anew is kept across processes.
#pragma once

#include <cstdlib>
#include <string>

namespace engine {

/// $XDG_CACHE_HOME/engine, or ~/.cache/engine; empty without a home.
inline std::string cache_folder() {
  const auto absolute = [](const char* variable) {
    const char* value = std::getenv(variable);
    return value != nullptr && *value == '/' ? std::string(value) : std::string();
  };
  if (const std::string cache = absolute("XDG_CACHE_HOME"); !cache.empty())
    return cache + "/engine";
  if (const std::string home = absolute("HOME"); !home.empty()) return home + "/.cache/engine";
  return {};
}

}  // namespace engine
