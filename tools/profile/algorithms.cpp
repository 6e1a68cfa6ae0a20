// engine-profile algorithms: which kernels could compute each product of a model, how fast each is
// here, and which one was chosen.
#include <fmt/format.h>

#include <string_view>

#include "tools/common/format.h"
#include "tools/common/output.h"
#include "tools/common/table.h"
#include "tools/profile/commands.h"
#include "tools/profile/rows.h"
#include "tools/profile/workload.h"

namespace engine::tools {
namespace {

constexpr std::size_t kColumns = 100;

std::string label(const CandidateResult& result) {
  return result.configuration.empty() ? result.candidate
                                      : result.candidate + "/" + result.configuration;
}

// Attributes and types of a problem's key, without its version, its op and what goes without
// saying.
std::string shapes(const std::string& problem) {
  const std::size_t version = problem.find(' ');
  const std::size_t op = version == std::string::npos ? version : problem.find(' ', version + 1);
  std::string rest = op == std::string::npos ? problem : problem.substr(op + 1);
  if (rest.starts_with(": ")) rest.erase(0, 2);
  constexpr std::string_view usual = " : strict";
  if (rest.ends_with(usual)) rest.erase(rest.size() - usual.size());
  return rest;
}

// On one line where that fits.
void print_heading(const AlgorithmGroup& group) {
  const std::string who = group.layer + " " + group.direction;
  const std::string what = shapes(group.problem);
  const bool fits = display_width(who) + display_width(what) + 2 <= kColumns;
  print_line(who + (fits ? "  " : "\n  ") + what);
}

std::vector<std::string> cells(const AlgorithmRow& row) {
  const CandidateResult& result = row.result;
  const std::string mark = row.chosen ? "*" : "";
  const std::string workspace =
      result.workspace == 0 ? "-" : human_bytes(static_cast<double>(result.workspace));
  if (!row.timed)
    return {mark, label(result), "-", "-", workspace, "-", result.deterministic ? "yes" : "no"};
  return {mark,
          label(result),
          fmt::format("{:.1f}", result.microseconds),
          fmt::format("{:.1f}", result.spread),
          workspace,
          fmt::format("{:.2g}", result.error),
          result.deterministic ? "yes" : "no"};
}

// The rows under one heading for each layer and direction, all in the same columns.
void print_table(const std::vector<AlgorithmGroup>& groups) {
  using enum Table::Align;
  Table table({{"", left},
               {"kernel", left},
               {"µs", right},
               {"spread", right},
               {"workspace", right},
               {"error", right},
               {"repeatable", left}});
  for (const AlgorithmGroup& group : groups)
    for (const AlgorithmRow& row : group.rows) table.add(cells(row));
  const std::vector<std::string> lines = table.lines();
  print_line(lines[0]);
  print_line(lines[1]);
  std::size_t next = 2;
  for (const AlgorithmGroup& group : groups) {
    print_heading(group);
    for (const AlgorithmRow& row : group.rows) {
      print_line(lines.at(next++));
      if (!row.result.refusal.empty()) print_line("     refused: " + one_line(row.result.refusal));
    }
  }
  print_line(
      "\n* chosen · µs: median, spread: interquartile range · error: in units of ε·(|A|·|B|)");
}

int run(const WorkloadOptions& options) {
  const Format format = options.format();
  Workload workload(options);
  const std::vector<AlgorithmGroup> groups =
      algorithm_groups(workload.program(), workload.runtime().tuner().records());
  if (format == Format::table) {
    print_table(groups);
    return 0;
  }
  bool has_header = format == Format::json;
  for (const AlgorithmGroup& group : groups) {
    for (const AlgorithmRow& row : group.rows) {
      const Record record = to_record(group, row);
      if (!has_header) print_line(csv_header(record));
      has_header = true;
      print_line(format == Format::json ? to_json(record) : to_csv(record));
    }
  }
  return 0;
}

}  // namespace

void add_algorithms(CommandLine& line) {
  static WorkloadOptions options;
  options.declare(line.add("algorithms", "Every kernel that could compute each product, timed",
                           [] { return run(options); }));
}

}  // namespace engine::tools
