#include "models/train/metrics_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "engine/core/error.h"
#include "engine/core/file.h"
#include "engine/core/log.h"

namespace engine {
namespace {

constexpr std::uint64_t kLargestFile = 256 * 1024 * 1024;

struct Column {
  const char* name;
  std::optional<double> EpochMetrics::*value;
};
// In the order of the columns, after the epoch.
constexpr std::array<Column, 9> kColumns{
    {{"loss", &EpochMetrics::loss},
     {"accuracy", &EpochMetrics::accuracy},
     {"validation_loss", &EpochMetrics::validation_loss},
     {"validation_accuracy", &EpochMetrics::validation_accuracy},
     {"test_loss", &EpochMetrics::test_loss},
     {"test_accuracy", &EpochMetrics::test_accuracy},
     {"seconds", &EpochMetrics::seconds},
     {"samples_per_second", &EpochMetrics::samples_per_second},
     {"learning_rate", &EpochMetrics::learning_rate}}};

std::string csv_header() {
  std::string line = "epoch";
  for (const Column& column : kColumns) line += fmt::format(",{}", column.name);
  return line + "\n";
}

std::string csv_line(const EpochMetrics& row) {
  std::string line = fmt::format("{}", row.epoch);
  for (const Column& column : kColumns) {
    const std::optional<double>& value = row.*column.value;
    line += value ? fmt::format(",{}", *value) : ",";
  }
  return line + "\n";
}

std::string json_line(const EpochMetrics& row) {
  return "{" + to_json_fields(row) + "}\n";
}

template <class T>
bool parse_number(std::string_view text, T& out) {
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && stop == text.data() + text.size();
}

/// Cuts the first field off `line`, with its comma.
std::string_view take_field(std::string_view& line) {
  const std::string_view field = line.substr(0, line.find(','));
  line.remove_prefix(std::min(line.size(), field.size() + 1));
  return field;
}

/// `line` is without its newline.
std::optional<EpochMetrics> parse_csv_line(std::string_view line) {
  if (std::count(line.begin(), line.end(), ',') != static_cast<std::ptrdiff_t>(kColumns.size()))
    return std::nullopt;
  EpochMetrics row;
  if (!parse_number(take_field(line), row.epoch)) return std::nullopt;
  for (const Column& column : kColumns) {
    const std::string_view field = take_field(line);
    if (field.empty()) continue;
    double value = 0;
    if (!parse_number(field, value)) return std::nullopt;
    row.*column.value = value;
  }
  return row;
}

}  // namespace

std::string to_json_fields(const EpochMetrics& metrics) {
  std::string out = fmt::format("\"epoch\":{}", metrics.epoch);
  for (const Column& column : kColumns)
    if (const std::optional<double>& value = metrics.*column.value)
      out += std::isfinite(*value) ? fmt::format(",\"{}\":{}", column.name, *value)
                                   : fmt::format(",\"{}\":null", column.name);
  return out;
}

void MetricsLog::replace(const std::vector<EpochMetrics>& rows) const {
  replace_file(csv_path_, [&](FileWriter& file) {
    file.write(csv_header());
    for (const EpochMetrics& row : rows) file.write(csv_line(row));
  });
  replace_file(jsonl_path_, [&](FileWriter& file) {
    for (const EpochMetrics& row : rows) file.write(json_line(row));
  });
}

void MetricsLog::append(const EpochMetrics& row) const {
  append_to_file(csv_path_, csv_line(row));
  append_to_file(jsonl_path_, json_line(row));
}

std::vector<EpochMetrics> MetricsLog::read() const {
  std::vector<EpochMetrics> rows;
  if (!std::filesystem::exists(csv_path_)) return rows;
  const std::string text = read_file(csv_path_, kLargestFile);
  std::string_view rest = text;
  int damaged = rest.starts_with(csv_header()) ? 0 : 1;
  rest.remove_prefix(std::min(rest.size(), rest.find('\n')));
  while (rest.size() > 1) {
    rest.remove_prefix(1);
    const std::size_t length = rest.find('\n');
    const bool finished = length != std::string_view::npos;
    const std::optional<EpochMetrics> row =
        finished ? parse_csv_line(rest.substr(0, length)) : std::nullopt;
    if (row)
      rows.push_back(*row);
    else
      ++damaged;
    rest.remove_prefix(std::min(rest.size(), length));
  }
  if (damaged > 0) log::warning(fmt::format("{}: damaged lines left out: {}", csv_path_, damaged));
  return rows;
}

void MetricsLog::keep_until(std::int64_t epoch) const {
  std::vector<EpochMetrics> rows = read();
  std::erase_if(rows, [epoch](const EpochMetrics& row) { return row.epoch > epoch; });
  replace(rows);
}

}  // namespace engine
