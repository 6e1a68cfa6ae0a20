#include "tools/common/record.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
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

// Reports nest one level: rows within a row.
constexpr int kDepth = 2;

Record to_record(const Json& object, int depth);

Field to_field(const std::string& name, const Json& value, int depth) {
  if (value.is_null()) return nullptr;
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX)
    return value.get<double>();
  if (value.is_number_integer()) return value.get<std::int64_t>();
  if (value.is_number()) return value.get<double>();
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_array() || depth == 0)
    throw DataError(fmt::format("field '{}' is not a value or a list of rows", name));
  std::vector<Record> rows;
  for (const Json& row : value) rows.push_back(to_record(row, depth - 1));
  return rows;
}

Record to_record(const Json& object, int depth) {
  if (!object.is_object()) throw DataError("not a JSON object");
  Record record;
  for (const auto& [name, value] : object.items()) record.set(name, to_field(name, value, depth));
  return record;
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

const Field* Record::find(std::string_view name) const {
  for (const auto& [present, field] : fields_)
    if (present == name) return &field;
  return nullptr;
}

Record record_from_json(const std::string& line) {
  return to_record(Json::parse(line, nullptr, false), kDepth);
}

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
