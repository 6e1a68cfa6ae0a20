// A saved report: the JSON lines that algorithms, steps or passes printed.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace engine::tools {

enum class ReportKind { algorithms, steps, passes };
const char* kind_name(ReportKind kind);

/// What two reports are compared by.
struct ReportEntry {
  std::string key;     ///< what is matched, as people read it
  std::string choice;  ///< kernel chosen, or what a pass did
  /// Microseconds and their interquartile range: of the chosen kernel, of the step, or what the
  /// pass gains. Empty where nothing was timed.
  std::optional<double> microseconds, spread;
};

struct Report {
  ReportKind kind = ReportKind::steps;
  std::vector<ReportEntry> entries;  ///< keys are distinct
};

/// Throws DataError naming the file, the line and what is wrong with it.
Report read_report(const std::string& path);

}  // namespace engine::tools
