#include "tools/common/record.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "engine/core/error.h"

namespace engine::tools {
namespace {

using Json = nlohmann::ordered_json;

Json convert(const Record& record) {
  Json object = Json::object();
  for (const auto& [name, field] : record.fields()) {
    Json& place = object[name];
    if (const auto* nested = std::get_if<std::vector<Record>>(&field)) {
      place = Json::array();
      for (const Record& item : *nested) place.push_back(convert(item));
      continue;
    }
    std::visit(
        [&place](const auto& value) {
          if constexpr (!std::is_same_v<std::decay_t<decltype(value)>, std::vector<Record>>)
            place = value;
        },
        field);
  }
  return object;
}

std::string quote(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

struct CsvCell {
  std::string operator()(std::nullptr_t) const { return ""; }
  std::string operator()(bool value) const { return value ? "true" : "false"; }
  std::string operator()(std::int64_t value) const { return fmt::format("{}", value); }
  std::string operator()(double value) const {
    return std::isfinite(value) ? fmt::format("{}", value) : "";
  }
  std::string operator()(const std::string& value) const { return quote(value); }
  std::string operator()(const std::vector<Record>&) const {
    throw InternalError("a nested record has no form in CSV");
  }
};

}  // namespace

std::string to_json(const Record& record) {
  return convert(record).dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string csv_header(const Record& record) {
  std::string line;
  for (const auto& [name, field] : record.fields()) line += (line.empty() ? "" : ",") + quote(name);
  return line;
}

std::string to_csv(const Record& record) {
  std::string line;
  const char* separator = "";
  for (const auto& [name, field] : record.fields()) {
    line += separator + std::visit(CsvCell{}, field);
    separator = ",";
  }
  return line;
}

}  // namespace engine::tools
