#include "models/train/run_config.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "engine/core/error.h"
#include "models/data/input_file.h"
#include "models/train/strict_json.h"

namespace engine {
namespace {

using nlohmann::json;

ConfigValue parse_value(const json& value, const std::string& where) {
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_float()) return value.get<double>();
  const bool too_large = value.is_number_unsigned() &&
                         value.get<std::uint64_t>() > std::numeric_limits<std::int64_t>::max();
  if (value.is_number_integer() && !too_large) return value.get<std::int64_t>();
  throw DataError(fmt::format("{} is {}, expected a boolean, a 64-bit number or text", where,
                              printable(value.dump())));
}

}  // namespace

RunConfig RunConfig::from_json(const std::string& text, const std::string& where) {
  constexpr int kFlat = 1;
  const json root = parse_strict_json(text, where, kFlat);
  if (!root.is_object()) throw DataError(where + ": is not a JSON object");
  RunConfig config;
  config.where_ = where;
  for (const auto& [key, value] : root.items())
    config.set(key, parse_value(value, fmt::format("{}: '{}'", where, printable(key))));
  return config;
}

std::string RunConfig::to_json() const {
  json root = json::object();
  for (const auto& [key, held] : values_) {
    const double* number = std::get_if<double>(&held);
    if (number != nullptr && !std::isfinite(*number))
      throw UsageError(
          fmt::format("{}: '{}' is {}, expected a finite number", where_, key, *number));
    std::visit([&root, &name = key](const auto& plain) { root[name] = plain; }, held);
  }
  return root.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

RunConfig& RunConfig::set(const std::string& key, ConfigValue value) {
  values_.insert_or_assign(key, std::move(value));
  return *this;
}

const ConfigValue& RunConfig::value(const std::string& key) const {
  const auto found = values_.find(key);
  if (found == values_.end()) throw DataError(fmt::format("{}: '{}' is missing", where_, key));
  return found->second;
}

template <class T>
const T& RunConfig::get(const std::string& key, const char* expected) const {
  const T* held = std::get_if<T>(&value(key));
  if (held == nullptr) throw DataError(fmt::format("{}: '{}' is not {}", where_, key, expected));
  return *held;
}

bool RunConfig::flag(const std::string& key) const {
  return get<bool>(key, "a boolean");
}

std::int64_t RunConfig::integer(const std::string& key) const {
  return get<std::int64_t>(key, "an integer");
}

double RunConfig::real(const std::string& key) const {
  const std::int64_t* whole = std::get_if<std::int64_t>(&value(key));
  return whole != nullptr ? static_cast<double>(*whole) : get<double>(key, "a number");
}

const std::string& RunConfig::text(const std::string& key) const {
  return get<std::string>(key, "text");
}

}  // namespace engine
