// engine-profile memory: where every value of a training step lies, when, and what that adds up to.
#include <fmt/format.h>

#include "tools/common/format.h"
#include "tools/common/output.h"
#include "tools/common/table.h"
#include "tools/profile/arena.h"
#include "tools/profile/arena_drawing.h"
#include "tools/profile/commands.h"
#include "tools/profile/workload.h"

namespace engine::tools {
namespace {

struct MemoryOptions {
  WorkloadOptions workload;
  std::optional<std::string> svg;
};

std::string bytes(std::size_t count) {
  return with_separators(static_cast<std::int64_t>(count));
}

Record to_record(const ArenaPlan& plan, const ArenaValue& value) {
  const auto integer = [](std::size_t number) { return static_cast<std::int64_t>(number); };
  Record record;
  record.set("value", value.name).set("step", value.label).set("type", value.type);
  record.set("kind", kind_name(value.kind)).set("bytes", integer(value.bytes));
  record.set("offset", integer(value.offset)).set("first_step", integer(value.first_step));
  record.set("last_step", integer(value.last_step));
  // Of the plan as a whole: the same in every row.
  record.set("arena_bytes", integer(plan.arena_bytes));
  record.set("lower_bound_bytes", integer(plan.lower_bound()));
  record.set("peak_step", integer(plan.peak_step));
  return record.set("fragmentation", plan.fragmentation());
}

void print_summary(const ArenaPlan& plan, const MemoryBudget& memory) {
  const std::string peak =
      plan.steps.empty() ? "-"
                         : fmt::format("step {}, {}", plan.peak_step, plan.steps[plan.peak_step]);
  Table table({{""}, {"", Table::Align::right}, {""}});
  table.add({"arena", bytes(plan.arena_bytes), human_bytes(static_cast<double>(plan.arena_bytes))});
  table.add({"most alive at once", bytes(plan.lower_bound()), "at " + peak});
  table.add({"fragmentation", bytes(plan.arena_bytes - plan.lower_bound()),
             fmt::format("{:.1f}% of the arena: no plan could save more than that",
                         100 * plan.fragmentation())});
  table.add({"beside the arena", bytes(memory.state), "parameters, moments, counters"});
  table.print();
}

void print_table(const ArenaPlan& plan, Workload& workload) {
  using enum Table::Align;
  print_line(fmt::format("arena of the training step of {}, in bytes\n", workload.title()));
  Table table({{"value", left},
               {"made by", left},
               {"type", left},
               {"kind", left},
               {"bytes", right},
               {"offset", right},
               {"from", right},
               {"to", right}});
  for (const ArenaValue& value : plan.values) {
    const bool is_workspace = value.kind == ArenaKind::workspace;
    table.add({is_workspace ? "-" : value.name, value.label, is_workspace ? "-" : value.type,
               kind_name(value.kind), bytes(value.bytes), bytes(value.offset),
               fmt::format("{}", value.first_step), fmt::format("{}", value.last_step)});
  }
  table.print();
  print_line("\nfrom, to: the steps of the program that make it and read it last\n");
  print_summary(plan, workload.runtime().budget());
}

int run(const MemoryOptions& options) {
  const Format format = options.workload.output.format();
  if (options.svg) expect_savable(*options.svg);
  Workload workload(options.workload);
  const ArenaPlan plan = arena_plan(workload.program());
  if (options.svg) save_text(*options.svg, draw_arena(plan, workload.title()));
  if (format == Format::table) {
    print_table(plan, workload);
    return 0;
  }
  std::vector<Record> rows;
  for (const ArenaValue& value : plan.values) rows.push_back(to_record(plan, value));
  print_rows(format, rows);
  return 0;
}

}  // namespace

void add_memory(CommandLine& line) {
  static MemoryOptions options;
  options.workload
      .declare(line.add("memory", "Where every value of a training step lies in memory, and when",
                        [] { return run(options); }))
      .option("--svg", options.svg, "FILE", "save a drawing of the arena over time");
}

}  // namespace engine::tools
