#include "tools/profile/report_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "engine/core/error.h"
#include "engine/core/file.h"
#include "tools/common/record.h"
#include "tools/profile/algorithm_rows.h"

namespace engine::tools {
namespace {

constexpr std::uint64_t kFileLimit = std::uint64_t{64} << 20;

const Field& field(const Record& row, const char* name) {
  const Field* found = row.find(name);
  if (found == nullptr) throw DataError(fmt::format("field '{}' is missing", name));
  return *found;
}

std::string text(const Record& row, const char* name) {
  const auto* value = std::get_if<std::string>(&field(row, name));
  if (value == nullptr) throw DataError(fmt::format("field '{}' is not a string", name));
  return *value;
}

bool flag(const Record& row, const char* name) {
  const auto* value = std::get_if<bool>(&field(row, name));
  if (value == nullptr) throw DataError(fmt::format("field '{}' is not true or false", name));
  return *value;
}

// A number, or nothing for null.
std::optional<double> number(const Record& row, const char* name) {
  const Field& value = field(row, name);
  if (std::holds_alternative<std::nullptr_t>(value)) return std::nullopt;
  if (const auto* real = std::get_if<double>(&value)) return *real;
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return static_cast<double>(*integer);
  throw DataError(fmt::format("field '{}' is not a number or null", name));
}

std::optional<ReportKind> kind_of(const Record& row) {
  if (row.find("direction") != nullptr) return ReportKind::algorithms;
  if (row.find("pass") != nullptr) return ReportKind::passes;
  if (row.find("step") != nullptr && row.find("candidate") != nullptr) return ReportKind::steps;
  return std::nullopt;
}

std::string kernel(const Record& row) {
  const std::string configuration = text(row, "config");
  return text(row, "candidate") + (configuration.empty() ? "" : "/" + configuration);
}

// Nothing for a row that is not compared: a candidate that was not chosen.
std::optional<ReportEntry> algorithm_entry(const Record& row) {
  if (!flag(row, "chosen")) return std::nullopt;
  return ReportEntry{fmt::format("{} {}  {}", text(row, "layer"), text(row, "direction"),
                                 problem_shapes(text(row, "problem"))),
                     kernel(row), number(row, "microseconds"), number(row, "spread")};
}

ReportEntry step_entry(const Record& row) {
  return {fmt::format("{} ({})", text(row, "step"), text(row, "op")), kernel(row),
          number(row, "microseconds"), number(row, "spread")};
}

ReportEntry pass_entry(const Record& row) {
  ReportEntry entry{text(row, "pass"), "off", {}, {}};
  if (flag(row, "enabled"))
    entry.choice = fmt::format("{} rewrites", number(row, "count").value_or(0));
  // Only there with --ablate.
  if (row.find("gain_microseconds") != nullptr) {
    entry.microseconds = number(row, "gain_microseconds");
    entry.spread = number(row, "gain_spread");
  }
  return entry;
}

std::optional<ReportEntry> to_entry(ReportKind kind, const Record& row) {
  switch (kind) {
    case ReportKind::algorithms:
      return algorithm_entry(row);
    case ReportKind::steps:
      return step_entry(row);
    case ReportKind::passes:
      return pass_entry(row);
  }
  throw InternalError("a kind of report outside its enumeration");
}

class Reader {
 public:
  void take(const std::string& line) {
    const Record row = record_from_json(line);
    const std::optional<ReportKind> kind = kind_of(row);
    if (!kind) throw DataError("not a row that algorithms, steps or passes print with --json");
    if (is_empty_) report_.kind = *kind;
    if (report_.kind != *kind)
      throw DataError(
          fmt::format("a row of {} among rows of {}", kind_name(*kind), kind_name(report_.kind)));
    is_empty_ = false;
    std::optional<ReportEntry> entry = to_entry(*kind, row);
    if (!entry) return;
    // What occurs more than once is matched in order.
    if (const int count = ++occurrences_[entry->key]; count > 1)
      entry->key += fmt::format(" #{}", count);
    report_.entries.push_back(std::move(*entry));
  }
  bool is_empty() const { return is_empty_; }
  Report finish() { return std::move(report_); }

 private:
  Report report_;
  bool is_empty_ = true;
  std::map<std::string, int> occurrences_;
};

std::string read_bytes(const std::string& path) {
  try {
    return read_file(path, kFileLimit);
  } catch (const FileError& failure) {
    throw DataError(failure.what());
  }
}

}  // namespace

const char* kind_name(ReportKind kind) {
  switch (kind) {
    case ReportKind::algorithms:
      return "algorithms";
    case ReportKind::steps:
      return "steps";
    case ReportKind::passes:
      return "passes";
  }
  throw InternalError("a kind of report outside its enumeration");
}

Report read_report(const std::string& path) {
  const std::string bytes = read_bytes(path);
  Reader reader;
  std::size_t number = 1;
  for (std::size_t begin = 0; begin < bytes.size(); ++number) {
    const std::size_t end = std::min(bytes.find('\n', begin), bytes.size());
    if (end > begin) {
      try {
        reader.take(bytes.substr(begin, end - begin));
      } catch (const DataError& failure) {
        throw DataError(fmt::format("{}:{}: {}", path, number, failure.what()));
      }
    }
    begin = end + 1;
  }
  if (reader.is_empty())
    throw DataError(path +
                    ": holds no rows; expected what algorithms, steps or passes print "
                    "with --json");
  return reader.finish();
}

}  // namespace engine::tools
