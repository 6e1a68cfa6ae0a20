// In which form a command prints its rows: a table for people, or one JSON object or CSV line a
// row.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tools/common/command_line.h"
#include "tools/common/record.h"

namespace engine::tools {

enum class Format { table, json, csv };

struct FormatOptions {
  std::optional<std::string> name;
  bool json = false;

  void declare(Command& command);
  /// Throws UsageError for an unknown --format.
  Format format() const;
};

/// Prints rows, all with the same fields, as `format` (json or csv) has them.
void print_rows(Format format, const std::vector<Record>& rows);

}  // namespace engine::tools
