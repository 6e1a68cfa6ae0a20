// engine-profile algorithms: which kernels could compute each product of a model, how fast each is
// here, and which one was chosen.
#include <fmt/format.h>

#include "tools/common/format.h"
#include "tools/common/output.h"
#include "tools/common/table.h"
#include "tools/profile/algorithm_groups.h"
#include "tools/profile/algorithm_table.h"
#include "tools/profile/commands.h"

namespace engine::tools {
namespace {

// On one line where that fits.
std::vector<std::string> heading(const AlgorithmGroup& group) {
  const std::string who = group.layer + " " + group.direction;
  const std::string what = problem_shapes(group.problem);
  if (display_width(who) + display_width(what) + 2 <= kTerminalColumns)
    return {"", who + "  " + what};
  std::vector<std::string> lines = {"", who};
  for (const std::string& line : wrap(what, kTerminalColumns - 2)) lines.push_back("  " + line);
  return lines;
}

// What was chosen for every layer, and what that gains.
void print_choices(const std::vector<AlgorithmGroup>& groups) {
  using enum Table::Align;
  Table table({{"layer", left},
               {"direction", left},
               {"chosen", left},
               {"µs", right},
               {"over first", right},
               {"over direct", right}});
  for (const AlgorithmGroup& group : groups) {
    const Comparison comparison = compare_choice(group.rows);
    std::string name = "-";
    for (const AlgorithmRow& row : group.rows)
      if (row.chosen) name = algorithm_name(row.result);
    table.add({one_line(group.layer), group.direction, name,
               comparison.chosen != nullptr
                   ? fmt::format("{:.1f}", comparison.chosen->result.microseconds)
                   : "-",
               speedup(comparison.heuristic, comparison.chosen),
               speedup(comparison.direct, comparison.chosen)});
  }
  table.print();
}

// "12.34 ms: 5.00 ms gained, 1.68x".
std::string gained(double chosen, double other) {
  return fmt::format("{:.2f} ms: {:.2f} ms gained, {:.2f}x", other / 1e3, (other - chosen) / 1e3,
                     other / chosen);
}

void print_total(const TotalGain& total) {
  print_line(fmt::format("\n{} problems, {} configurations timed, {} refused", total.problems,
                         total.timed, total.refused));
  if (total.chosen > 0)
    print_line(fmt::format("a step's chosen kernels {:.2f} ms, the first applicable ones {}",
                           total.chosen / 1e3, gained(total.chosen, total.heuristic)));
  if (total.direct > 0)
    print_line(fmt::format("where there is a direct algorithm {:.2f} ms, by that {}",
                           total.chosen_beside_direct / 1e3,
                           gained(total.chosen_beside_direct, total.direct)));
}

void print_table(const std::vector<AlgorithmGroup>& groups, Workload& workload) {
  print_line(fmt::format("algorithms of the training step of {}\n{}\n", workload.title(),
                         workload.runtime().device().fingerprint()));
  std::vector<AlgorithmSection> sections;
  for (const AlgorithmGroup& group : groups) sections.push_back({heading(group), group.rows});
  print_algorithms(sections);
  print_line("");
  print_choices(groups);
  print_total(total_gain(groups));
}

int run(const WorkloadOptions& options) {
  const Format format = options.output.format();
  Workload workload(options);
  const std::vector<AlgorithmGroup> groups = algorithm_groups(workload);
  if (format == Format::table) {
    print_table(groups, workload);
    return 0;
  }
  std::vector<Record> rows;
  for (const AlgorithmGroup& group : groups)
    for (const AlgorithmRow& row : group.rows) rows.push_back(to_record(group, row));
  print_rows(format, rows);
  return 0;
}

}  // namespace

void add_algorithms(CommandLine& line) {
  static WorkloadOptions options;
  options.declare(line.add("algorithms", "Every kernel that could compute each product, timed",
                           [] { return run(options); }));
}

}  // namespace engine::tools
