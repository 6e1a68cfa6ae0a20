#include "tools/profile/algorithm_table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "tools/common/format.h"
#include "tools/common/output.h"
#include "tools/common/table.h"

namespace engine::tools {
namespace {

std::vector<std::string> cells(const AlgorithmRow& row, const Comparison& comparison) {
  const CandidateResult& result = row.result;
  const auto when_timed = [&](const char* format, double value) {
    return row.timed ? fmt::format(fmt::runtime(format), value) : "-";
  };
  const std::optional<double> error = row.error();
  return {row.chosen ? "*" : "",
          algorithm_name(result),
          when_timed("{:.1f}", result.microseconds),
          when_timed("{:.1f}", result.spread),
          row.timed ? speedup(&row, comparison.chosen) : "-",
          result.workspace == 0 ? "-" : human_bytes(static_cast<double>(result.workspace)),
          error ? fmt::format("{:.2g}", *error) : "-",
          result.deterministic ? "yes" : "no"};
}

std::string gains(const Comparison& comparison) {
  const AlgorithmRow* const chosen = comparison.chosen;
  const AlgorithmRow* const heuristic = comparison.heuristic;
  const AlgorithmRow* const direct = comparison.direct;
  if (chosen == nullptr) return "";
  const auto against = [&](const AlgorithmRow* other) {
    return fmt::format("{} against {}", speedup(other, chosen), algorithm_name(other->result));
  };
  std::string text =
      chosen == heuristic ? "the first applicable" : against(heuristic) + ", the first applicable";
  if (direct == nullptr) return text;
  if (direct == heuristic) return text + " and fastest direct one";
  return text + (direct == chosen ? ", the fastest direct one"
                                  : ", " + against(direct) + ", the fastest direct one");
}

// Below a section's rows, in as many lines as it takes.
void print_wrapped(const std::string& text, std::size_t columns) {
  const std::string indent(columns, ' ');
  for (const std::string& line : wrap(text, kTerminalColumns - columns)) print_line(indent + line);
}

// The reason, then who gave it.
void print_refusal(const Refusal& refusal) {
  print_wrapped("refused: " + one_line(refusal.why), 5);
  print_wrapped(fmt::format("{}", fmt::join(refusal.kernels, ", ")), 10);
}

}  // namespace

std::string speedup(const AlgorithmRow* other, const AlgorithmRow* chosen) {
  if (other == nullptr || chosen == nullptr) return "-";
  return fmt::format("{:.2f}x", other->result.microseconds / chosen->result.microseconds);
}

void print_algorithms(const std::vector<AlgorithmSection>& sections) {
  using enum Table::Align;
  Table table({{"", left},
               {"kernel", left},
               {"µs", right},
               {"spread", right},
               {"of chosen", right},
               {"workspace", right},
               {"error", right},
               {"repeatable", left}});
  for (const AlgorithmSection& section : sections) {
    const Comparison comparison = compare_choice(section.rows);
    for (const AlgorithmRow* row : by_time(section.rows)) table.add(cells(*row, comparison));
  }
  const std::vector<std::string> lines = table.lines();
  print_line(lines[0]);
  print_line(lines[1]);
  std::size_t next = 2;
  for (const AlgorithmSection& section : sections) {
    for (const std::string& line : section.heading) print_line(one_line(line));
    for (std::size_t i = 0; i < by_time(section.rows).size(); ++i) print_line(lines.at(next++));
    if (const std::string text = gains(compare_choice(section.rows)); !text.empty())
      print_wrapped("chosen: " + text, 5);
    for (const Refusal& refusal : refusals(section.rows)) print_refusal(refusal);
  }
  print_line(
      "\n* chosen · µs: median, spread: interquartile range · of chosen: its time in those of the "
      "chosen\nerror: against the reference, in units of ε·(|A|·|B|)");
}

}  // namespace engine::tools
