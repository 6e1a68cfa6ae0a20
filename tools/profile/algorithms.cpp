// engine-profile algorithms: which kernels could compute each product of a model, how fast each is
// here, and which one was chosen.
#include "tools/common/format.h"
#include "tools/profile/algorithm_groups.h"
#include "tools/profile/commands.h"
#include "tools/profile/workload.h"

namespace engine::tools {
namespace {

constexpr std::size_t kColumns = 100;

// On one line where that fits.
std::vector<std::string> heading(const AlgorithmGroup& group) {
  const std::string who = group.layer + " " + group.direction;
  const std::string what = problem_shapes(group.problem);
  if (display_width(who) + display_width(what) + 2 <= kColumns) return {who + "  " + what};
  return {who, "  " + what};
}

int run(const WorkloadOptions& options) {
  const Format format = options.output.format();
  Workload workload(options);
  const std::vector<AlgorithmGroup> groups =
      algorithm_groups(workload.program(), workload.runtime().tuner().records());
  if (format == Format::table) {
    std::vector<AlgorithmSection> sections;
    for (const AlgorithmGroup& group : groups) sections.push_back({heading(group), group.rows});
    print_algorithms(sections);
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
