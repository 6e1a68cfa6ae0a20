// engine-profile diff: what changed between two saved reports, in choices and in time, and whether
// a change in time is more than what was measured to vary.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/core/error.h"
#include "tools/common/output.h"
#include "tools/common/table.h"
#include "tools/profile/commands.h"
#include "tools/profile/report_file.h"
#include "tools/profile/report_format.h"

namespace engine::tools {
namespace {

struct DiffOptions {
  std::string a, b;
  FormatOptions output;
};

// One thing in both reports, or in one of them.
struct Difference {
  std::string key;
  const ReportEntry* a = nullptr;
  const ReportEntry* b = nullptr;

  bool is_timed() const { return a && b && a->microseconds && b->microseconds; }
  double change() const { return *b->microseconds - *a->microseconds; }
  // The larger of the two: the times are medians, each within about its own.
  double spread() const { return std::max(a->spread.value_or(0), b->spread.value_or(0)); }
  bool has_new_choice() const { return a && b && a->choice != b->choice; }
};

std::vector<Difference> compare(const Report& a, const Report& b) {
  std::vector<Difference> differences;
  for (const ReportEntry& entry : a.entries) differences.push_back({entry.key, &entry, nullptr});
  for (const ReportEntry& entry : b.entries) {
    const auto place = std::find_if(differences.begin(), differences.end(),
                                    [&](const auto& other) { return other.key == entry.key; });
    if (place != differences.end())
      place->b = &entry;
    else
      differences.push_back({entry.key, nullptr, &entry});
  }
  return differences;
}

// A pass that gains more makes the step faster; anything else does by taking less.
const char* verdict(const Difference& difference, ReportKind kind) {
  if (difference.a == nullptr) return "only in B";
  if (difference.b == nullptr) return "only in A";
  if (!difference.is_timed()) return "not timed";
  if (std::abs(difference.change()) <= difference.spread()) return "noise";
  return (difference.change() < 0) == (kind != ReportKind::passes) ? "faster" : "slower";
}

Record to_record(const Difference& difference, ReportKind kind) {
  const auto choice = [](const ReportEntry* entry) {
    return entry != nullptr ? Field(entry->choice) : Field(nullptr);
  };
  const auto time = [](const ReportEntry* entry) {
    return entry != nullptr && entry->microseconds ? Field(*entry->microseconds) : Field(nullptr);
  };
  const bool timed = difference.is_timed();
  Record record;
  record.set("report", kind_name(kind)).set("key", difference.key);
  record.set("choice_a", choice(difference.a)).set("choice_b", choice(difference.b));
  record.set("choice_changed", difference.has_new_choice());
  record.set("microseconds_a", time(difference.a)).set("microseconds_b", time(difference.b));
  record.set("change", timed ? Field(difference.change()) : Field(nullptr));
  record.set("spread", timed ? Field(difference.spread()) : Field(nullptr));
  return record.set("verdict", verdict(difference, kind));
}

std::string time_cell(const ReportEntry* entry) {
  return entry != nullptr && entry->microseconds ? fmt::format("{:.1f}", *entry->microseconds)
                                                 : "-";
}

// Without the shapes behind two blanks, which are alike in both; where there is no pair they may be
// the reason.
std::string name_of(const Difference& difference) {
  const bool is_pair = difference.a != nullptr && difference.b != nullptr;
  return one_line(is_pair ? difference.key.substr(0, difference.key.find("  ")) : difference.key);
}

std::vector<std::string> cells(const Difference& difference, ReportKind kind) {
  const ReportEntry& known = difference.a != nullptr ? *difference.a : *difference.b;
  const bool timed = difference.is_timed();
  return {
      name_of(difference),
      time_cell(difference.a),
      time_cell(difference.b),
      timed ? fmt::format("{:+.1f}", difference.change()) : "-",
      timed ? fmt::format("{:.1f}", difference.spread()) : "-",
      verdict(difference, kind),
      one_line(difference.has_new_choice() ? difference.a->choice + " -> " + difference.b->choice
                                           : known.choice)};
}

std::string summary(const std::vector<Difference>& differences, ReportKind kind) {
  int choices = 0, matched = 0;
  double sum_a = 0, sum_b = 0;
  std::vector<std::pair<std::string, int>> verdicts = {{"faster", 0},    {"slower", 0},
                                                       {"noise", 0},     {"not timed", 0},
                                                       {"only in A", 0}, {"only in B", 0}};
  for (const Difference& difference : differences) {
    matched += difference.a != nullptr && difference.b != nullptr ? 1 : 0;
    choices += difference.has_new_choice() ? 1 : 0;
    for (auto& [name, count] : verdicts) count += name == verdict(difference, kind) ? 1 : 0;
    if (!difference.is_timed()) continue;
    sum_a += *difference.a->microseconds;
    sum_b += *difference.b->microseconds;
  }
  std::string text = fmt::format("{} matched, {} with another choice", matched, choices);
  for (const auto& [name, count] : verdicts)
    if (count > 0) text += fmt::format(", {} {}", count, name);
  if (sum_a > 0 && kind != ReportKind::passes)
    text += fmt::format("; in all {:.1f} -> {:.1f} µs ({:+.1f}%)", sum_a, sum_b,
                        100 * (sum_b / sum_a - 1));
  return text;
}

void print_table(const std::vector<Difference>& differences, ReportKind kind) {
  using enum Table::Align;
  const bool is_passes = kind == ReportKind::passes;
  Table table({{kind_name(kind), left},
               {is_passes ? "gain A" : "µs A", right},
               {is_passes ? "gain B" : "µs B", right},
               {"change", right},
               {"spread", right},
               {"", left},
               {is_passes ? "changed" : "kernel", left}});
  for (const Difference& difference : differences) table.add(cells(difference, kind));
  table.print();
  print_line("\n" + summary(differences, kind));
}

int run(const DiffOptions& options) {
  const Format format = options.output.format();
  const Report a = read_report(options.a), b = read_report(options.b);
  if (a.kind != b.kind)
    throw DataError(fmt::format("{} is a report of {}, {} one of {}: expected two of a kind",
                                options.a, kind_name(a.kind), options.b, kind_name(b.kind)));
  const std::vector<Difference> differences = compare(a, b);
  if (format == Format::table) {
    print_table(differences, a.kind);
    return 0;
  }
  std::vector<Record> rows;
  for (const Difference& difference : differences) rows.push_back(to_record(difference, a.kind));
  print_rows(format, rows);
  return 0;
}

}  // namespace

void add_diff(CommandLine& line) {
  static DiffOptions options;
  Command& command =
      line.add("diff", "What changed between two saved reports, and whether it is more than noise",
               [] { return run(options); })
          .argument("A", options.a, "JSON lines that algorithms, steps or passes printed before")
          .argument("B", options.b, "the same of another time, device or version");
  options.output.declare(command);
}

}  // namespace engine::tools
