#include "tools/profile/algorithm_rows.h"

#include <fmt/format.h>

#include <string_view>

#include "tools/common/format.h"
#include "tools/common/output.h"
#include "tools/common/table.h"

namespace engine::tools {
namespace {

std::vector<std::string> cells(const AlgorithmRow& row) {
  const CandidateResult& result = row.result;
  const std::string mark = row.chosen ? "*" : "";
  const std::string workspace =
      result.workspace == 0 ? "-" : human_bytes(static_cast<double>(result.workspace));
  const std::string repeatable = result.deterministic ? "yes" : "no";
  if (!row.timed) return {mark, algorithm_name(result), "-", "-", workspace, "-", repeatable};
  return {mark,
          algorithm_name(result),
          fmt::format("{:.1f}", result.microseconds),
          fmt::format("{:.1f}", result.spread),
          workspace,
          fmt::format("{:.2g}", result.error),
          repeatable};
}

}  // namespace

std::vector<AlgorithmRow> algorithm_rows(const TuningRecord& record, const std::string& candidate,
                                         const std::string& configuration) {
  std::vector<AlgorithmRow> rows;
  for (const CandidateResult& result : record.results)
    rows.push_back({result, result.candidate == candidate && result.configuration == configuration,
                    result.refusal.empty() && result.microseconds > 0});
  return rows;
}

std::string algorithm_name(const CandidateResult& result) {
  return result.configuration.empty() ? result.candidate
                                      : result.candidate + "/" + result.configuration;
}

std::string problem_op(const std::string& key) {
  const std::size_t version = key.find(' ');
  if (version == std::string::npos) return "";
  return key.substr(version + 1, key.find(' ', version + 1) - version - 1);
}

std::string problem_shapes(const std::string& key) {
  const std::size_t version = key.find(' ');
  const std::size_t op = version == std::string::npos ? version : key.find(' ', version + 1);
  std::string rest = op == std::string::npos ? key : key.substr(op + 1);
  if (rest.starts_with(": ")) rest.erase(0, 2);
  constexpr std::string_view usual = " : strict";
  if (rest.ends_with(usual)) rest.erase(rest.size() - usual.size());
  return rest;
}

void set_algorithm(Record& record, const AlgorithmRow& row) {
  const auto when_timed = [&](double value) { return row.timed ? Field(value) : Field(nullptr); };
  record.set("candidate", row.result.candidate);
  record.set("config", row.result.configuration).set("chosen", row.chosen);
  record.set("microseconds", when_timed(row.result.microseconds));
  record.set("spread", when_timed(row.result.spread));
  record.set("workspace", static_cast<std::int64_t>(row.result.workspace));
  record.set("deterministic", row.result.deterministic);
  record.set("error", when_timed(row.result.error));
  const bool refused = !row.result.refusal.empty();
  record.set("refusal", refused ? Field(row.result.refusal) : Field(nullptr));
}

void print_algorithms(const std::vector<AlgorithmSection>& sections) {
  using enum Table::Align;
  Table table({{"", left},
               {"kernel", left},
               {"µs", right},
               {"spread", right},
               {"workspace", right},
               {"error", right},
               {"repeatable", left}});
  for (const AlgorithmSection& section : sections)
    for (const AlgorithmRow& row : section.rows) table.add(cells(row));
  const std::vector<std::string> lines = table.lines();
  print_line(lines[0]);
  print_line(lines[1]);
  std::size_t next = 2;
  for (const AlgorithmSection& section : sections) {
    for (const std::string& line : section.heading) print_line(one_line(line));
    for (const AlgorithmRow& row : section.rows) {
      print_line(lines.at(next++));
      if (!row.result.refusal.empty()) print_line("     refused: " + one_line(row.result.refusal));
    }
  }
  print_line(
      "\n* chosen · µs: median, spread: interquartile range · error: in units of ε·(|A|·|B|)");
}

}  // namespace engine::tools
