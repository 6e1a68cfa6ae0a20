// engine-profile passes: which rewrites ran, what each changed, and what that gains.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "engine/core/error.h"
#include "graph/passes/pass.h"
#include "tools/common/format.h"
#include "tools/common/output.h"
#include "tools/common/table.h"
#include "tools/profile/ablation.h"
#include "tools/profile/commands.h"
#include "tools/profile/workload.h"

namespace engine::tools {
namespace {

struct Options {
  WorkloadOptions workload;
  bool ablate = false;
};

using Ablations = std::map<std::string, Ablation>;  // by pass

const graph::Pass& find_pass(const std::string& name) {
  const auto& passes = graph::PassRegistry::global().passes();
  const auto place = std::find_if(passes.begin(), passes.end(),
                                  [&](const graph::Pass& pass) { return pass.name == name; });
  ENGINE_CHECK(place != passes.end(), "a report of an unknown pass: " + name);
  return *place;
}

const char* stage_of(const std::string& pass) {
  return find_pass(pass).stage == graph::Stage::forward ? "forward" : "step";
}

// A pass that changed nothing gains nothing: there is nothing to time.
Ablations ablate_all(Workload& workload, const WorkloadOptions& options) {
  Ablations results;
  workload.load();
  for (const graph::PassReport& report : workload.passes()) {
    if (report.rewrites.empty()) continue;
    workload.status().show("timing the step without " + report.pass);
    results.emplace(report.pass, ablate(workload, options, report.pass));
  }
  workload.status().clear();
  return results;
}

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

Record to_record(const graph::PassReport& report, const Ablations* ablations, Format format) {
  Record record;
  record.set("pass", report.pass).set("stage", stage_of(report.pass));
  record.set("enabled", report.enabled);
  record.set("count", static_cast<std::int64_t>(report.rewrites.size()));
  record.set("description", find_pass(report.pass).description);
  if (ablations != nullptr) {
    if (const auto gain = ablations->find(report.pass); gain != ablations->end())
      set_gain(record, gain->second);
    else
      set_no_gain(record);
  }
  if (format == Format::csv) return record;  // which has no lists
  std::vector<Record> rewrites;
  for (const std::string& rewrite : report.rewrites) {
    Record line;
    rewrites.push_back(line.set("rewrite", rewrite));
  }
  return record.set("rewrites", rewrites);
}

void print_passes(const std::vector<graph::PassReport>& reports) {
  Table table({{"pass"}, {"stage"}, {""}, {"rewrites", Table::Align::right}, {"what it does"}});
  for (const graph::PassReport& report : reports)
    table.add({report.pass, stage_of(report.pass), report.enabled ? "on" : "off",
               report.enabled ? fmt::format("{}", report.rewrites.size()) : "-",
               find_pass(report.pass).description});
  table.print();
  for (const graph::PassReport& report : reports) {
    if (report.rewrites.empty()) continue;
    print_line("\n" + report.pass);
    for (const std::string& rewrite : report.rewrites) print_line("  " + one_line(rewrite));
  }
}

std::string signed_bytes(const Ablation& gain) {
  const double bytes =
      static_cast<double>(gain.arena_without) - static_cast<double>(gain.arena_with);
  if (bytes == 0) return "none";
  return (bytes < 0 ? "-" : "") + human_bytes(std::abs(bytes));
}

void print_gains(const std::vector<graph::PassReport>& reports, const Ablations& ablations) {
  using enum Table::Align;
  Table table({{"without", left},
               {"µs with", right},
               {"µs without", right},
               {"gain µs", right},
               {"spread", right},
               {"gain", right},
               {"", left},
               {"arena gain", right}});
  for (const graph::PassReport& report : reports) {
    const auto entry = ablations.find(report.pass);
    if (entry == ablations.end()) {
      const char* why = report.enabled ? "changed nothing" : "is off";
      table.add({report.pass, "-", "-", "-", "-", "-", why, "-"});
      continue;
    }
    const Ablation& gain = entry->second;
    table.add({report.pass, fmt::format("{:.1f}", gain.with.microseconds),
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

int run(const Options& options) {
  const Format format = options.workload.output.format();
  Workload workload(options.workload);
  const std::vector<graph::PassReport> reports = workload.passes();
  Ablations ablations;
  if (options.ablate) ablations = ablate_all(workload, options.workload);
  if (format != Format::table) {
    std::vector<Record> rows;
    for (const graph::PassReport& report : reports)
      rows.push_back(to_record(report, options.ablate ? &ablations : nullptr, format));
    print_rows(format, rows);
    return 0;
  }
  print_line("passes over the training step of " + workload.title() + "\n");
  print_passes(reports);
  if (options.ablate) {
    print_line("");
    print_gains(reports, ablations);
  }
  return 0;
}

}  // namespace

void add_passes(CommandLine& line) {
  static Options options;
  options.workload
      .declare(line.add("passes", "Which graph rewrites ran, what they changed and what they gain",
                        [] { return run(options); }))
      .flag("--ablate", options.ablate, "time the step without each of them in turn");
}

}  // namespace engine::tools
