#include "tools/profile/report_format.h"

#include <fmt/format.h>

#include "engine/core/error.h"
#include "tools/common/output.h"

namespace engine::tools {

void FormatOptions::declare(Command& command) {
  command.option("--format", name, "table|json|csv", "how to print (default: table)")
      .flag("--json", json, "the same as --format json");
}

Format FormatOptions::format() const {
  const std::string chosen = name.value_or(json ? "json" : "table");
  if (json && chosen != "json")
    throw UsageError(fmt::format("--format {} and --json exclude each other", chosen));
  if (chosen == "table") return Format::table;
  if (chosen == "json") return Format::json;
  if (chosen == "csv") return Format::csv;
  throw UsageError(fmt::format("--format {}: expected table, json or csv", chosen));
}

void print_rows(Format format, const std::vector<Record>& rows) {
  if (format == Format::csv && !rows.empty()) print_line(csv_header(rows.front()));
  for (const Record& row : rows) print_line(format == Format::json ? to_json(row) : to_csv(row));
}

}  // namespace engine::tools
