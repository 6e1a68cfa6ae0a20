// engine-profile passes: which rewrites ran, what each changed, and what that gains.
#include <fmt/format.h>

#include <cmath>

#include "tools/common/format.h"
#include "tools/common/output.h"
#include "tools/common/table.h"
#include "tools/profile/commands.h"
#include "tools/profile/pass_rows.h"

namespace engine::tools {
namespace {

struct PassesOptions {
  WorkloadOptions workload;
  bool ablate = false;
};

void set_gain(Record& record, const Ablation& gain) {
  const auto bytes = [](std::size_t count) { return static_cast<std::int64_t>(count); };
  record.set("microseconds_with", gain.with.microseconds).set("spread_with", gain.with.spread);
  record.set("microseconds_without", gain.without.microseconds);
  record.set("spread_without", gain.without.spread);
  record.set("gain_microseconds", gain.gain.microseconds).set("gain_spread", gain.gain.spread);
  record.set("significant", gain.is_significant());
  record.set("arena_bytes_with", bytes(gain.arena_with));
  record.set("arena_bytes_without", bytes(gain.arena_without));
  record.set("gain_bytes", bytes(gain.arena_without) - bytes(gain.arena_with));
}

void set_no_gain(Record& record) {
  for (const char* name : {"microseconds_with", "spread_with", "microseconds_without",
                           "spread_without", "gain_microseconds", "gain_spread", "significant",
                           "arena_bytes_with", "arena_bytes_without", "gain_bytes"})
    record.set(name, nullptr);
}

Record to_record(const PassRow& pass, bool with_gains, Format format) {
  Record record;
  record.set("pass", pass.name).set("stage", pass.stage).set("enabled", pass.enabled);
  record.set("count", static_cast<std::int64_t>(pass.rewrites.size()));
  record.set("description", pass.description);
  if (with_gains) pass.ablation ? set_gain(record, *pass.ablation) : set_no_gain(record);
  if (format == Format::csv) return record;  // which has no lists
  std::vector<Record> rewrites;
  for (const std::string& rewrite : pass.rewrites) {
    Record line;
    rewrites.push_back(line.set("rewrite", rewrite));
  }
  return record.set("rewrites", rewrites);
}

void print_passes(const std::vector<PassRow>& passes) {
  Table table({{"pass"}, {"stage"}, {""}, {"rewrites", Table::Align::right}, {"what it does"}});
  for (const PassRow& pass : passes)
    table.add({pass.name, pass.stage, pass.enabled ? "on" : "off",
               pass.enabled ? fmt::format("{}", pass.rewrites.size()) : "-", pass.description});
  table.print();
  for (const PassRow& pass : passes) {
    if (pass.rewrites.empty()) continue;
    print_line("\n" + pass.name);
    for (const std::string& rewrite : pass.rewrites) print_line("  " + one_line(rewrite));
  }
}

std::string signed_bytes(const Ablation& gain) {
  const double bytes =
      static_cast<double>(gain.arena_without) - static_cast<double>(gain.arena_with);
  if (bytes == 0) return "none";
  return (bytes < 0 ? "-" : "") + human_bytes(std::abs(bytes));
}

void print_gains(const std::vector<PassRow>& passes) {
  using enum Table::Align;
  Table table({{"without", left},
               {"µs with", right},
               {"µs without", right},
               {"gain µs", right},
               {"spread", right},
               {"gain", right},
               {"", left},
               {"arena gain", right}});
  for (const PassRow& pass : passes) {
    if (!pass.ablation) {
      const char* why = pass.enabled ? "changed nothing" : "is off";
      table.add({pass.name, "-", "-", "-", "-", "-", why, "-"});
      continue;
    }
    const Ablation& gain = *pass.ablation;
    table.add({pass.name, fmt::format("{:.1f}", gain.with.microseconds),
               fmt::format("{:.1f}", gain.without.microseconds),
               fmt::format("{:+.1f}", gain.gain.microseconds),
               fmt::format("{:.1f}", gain.gain.spread),
               fmt::format("{:+.1f}%", 100 * gain.gain.microseconds / gain.without.microseconds),
               gain.is_significant() ? "" : "within noise", signed_bytes(gain)});
  }
  table.print();
  print_line(
      "\nµs: median of a training step, both programs taking turns · gain: median of the pairs'\n"
      "differences, spread: their interquartile range · arena: memory of the step beside its "
      "state");
}

int run(const PassesOptions& options) {
  const Format format = options.workload.output.format();
  Workload workload(options.workload);
  std::vector<PassRow> passes = pass_rows(workload);
  if (options.ablate) ablate_all(passes, workload, options.workload);
  if (format != Format::table) {
    std::vector<Record> rows;
    for (const PassRow& pass : passes) rows.push_back(to_record(pass, options.ablate, format));
    print_rows(format, rows);
    return 0;
  }
  print_line("passes over the training step of " + workload.title() + "\n");
  print_passes(passes);
  if (options.ablate) {
    print_line("");
    print_gains(passes);
  }
  return 0;
}

}  // namespace

void add_passes(CommandLine& line) {
  static PassesOptions options;
  options.workload
      .declare(line.add("passes", "Which graph rewrites ran, what they changed and what they gain",
                        [] { return run(options); }))
      .flag("--ablate", options.ablate, "time the step without each of them in turn");
}

}  // namespace engine::tools
