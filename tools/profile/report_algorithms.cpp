// Algorithms in an HTML report: what was chosen for every layer, then all candidates of each.
#include <fmt/format.h>

#include <algorithm>

#include "tools/common/format.h"
#include "tools/profile/algorithm_table.h"
#include "tools/profile/report_sections.h"

namespace engine::tools {
namespace {

constexpr double kLongestBar = 6;            // times the shortest of its table
constexpr std::size_t kMostOpenLayers = 16;  // more of them are a list to open one by one

std::string tag(const char* style, const char* text) {
  return Html().element("span", text, {{"class", std::string("tag ") + style}}).to_string();
}

HtmlCell microseconds_cell(const AlgorithmRow* row) {
  if (row == nullptr || !row->timed) return {"-"};
  return {fmt::format("{:.1f}", row->result.microseconds), row->result.microseconds};
}

HtmlCell speedup_cell(const AlgorithmRow* other, const AlgorithmRow* chosen) {
  if (other == nullptr || chosen == nullptr) return {"-"};
  return {speedup(other, chosen), other->result.microseconds / chosen->result.microseconds};
}

void write_choices(Html& html, const std::vector<AlgorithmGroup>& groups) {
  double slowest = 0;
  for (const AlgorithmGroup& group : groups)
    if (const Comparison comparison = compare_choice(group.rows); comparison.chosen != nullptr)
      slowest = std::max(slowest, comparison.chosen->result.microseconds);
  HtmlTable table({{"layer"},
                   {"direction"},
                   {"chosen"},
                   {"µs", true},
                   {""},
                   {"over first applicable", true},
                   {"over direct", true}});
  for (const AlgorithmGroup& group : groups) {
    const Comparison comparison = compare_choice(group.rows);
    const auto chosen = std::find_if(group.rows.begin(), group.rows.end(),
                                     [](const AlgorithmRow& row) { return row.chosen; });
    const double time = comparison.chosen != nullptr ? comparison.chosen->result.microseconds : 0;
    table.add({{group.layer},
               {group.direction},
               {chosen != group.rows.end() ? algorithm_name(chosen->result) : "-", {}, {}, "name"},
               microseconds_cell(comparison.chosen),
               {"", time, html_bar(time / slowest, 0, "chosen"), "chart"},
               speedup_cell(comparison.heuristic, comparison.chosen),
               speedup_cell(comparison.direct, comparison.chosen)});
  }
  const TotalGain total = total_gain(groups);
  if (total.chosen > 0)
    table.add_sum(
        {{"sum"},
         {},
         {},
         {fmt::format("{:.1f}", total.chosen)},
         {},
         {fmt::format("{:.2f}x", total.heuristic / total.chosen)},
         {total.direct > 0 ? fmt::format("{:.2f}x", total.direct / total.chosen_beside_direct)
                           : "-"}});
  table.write(html);
}

void write_candidates(Html& html, const AlgorithmGroup& group) {
  const Comparison comparison = compare_choice(group.rows);
  const std::vector<const AlgorithmRow*> rows = by_time(group.rows);
  double slowest = 0;
  for (const AlgorithmRow* row : rows) slowest = std::max(slowest, row->result.microseconds);
  const double scale = std::min(slowest, kLongestBar * rows.front()->result.microseconds);
  HtmlTable table({{"kernel"},
                   {""},
                   {"µs", true},
                   {"spread", true},
                   {"of chosen", true},
                   {"workspace", true},
                   {"error", true},
                   {"repeatable"}});
  for (const AlgorithmRow* row : rows) {
    const CandidateResult& result = row->result;
    const bool is_first = row == comparison.heuristic && !row->chosen;
    const std::optional<double> error = row->error();
    const double workspace = static_cast<double>(result.workspace);
    table.add({{algorithm_name(result),
                {},
                (row->chosen ? tag("chosen", "chosen") : "") +
                    (is_first ? tag("first", "first applicable") : ""),
                "name"},
               {"",
                {},
                row->timed ? html_bar(result.microseconds / scale, result.spread / scale,
                                      row->chosen ? "chosen"
                                      : is_first  ? "first"
                                                  : "")
                           : "",
                "chart"},
               microseconds_cell(row),
               {row->timed ? fmt::format("{:.1f}", result.spread) : "-",
                row->timed ? std::optional(result.spread) : std::nullopt},
               row->timed ? speedup_cell(row, comparison.chosen) : HtmlCell{"-"},
               {result.workspace == 0 ? "-" : human_bytes(workspace), workspace},
               {error ? fmt::format("{:.2g}", *error) : "-", error},
               {result.deterministic ? "yes" : "no"}},
              row->chosen ? "chosen" : "");
  }
  table.write(html);
}

void write_refusals(Html& html, const AlgorithmGroup& group) {
  const std::vector<Refusal> refused = refusals(group.rows);
  if (refused.empty()) return;
  std::size_t count = 0;
  for (const Refusal& refusal : refused) count += refusal.kernels.size();
  html.open("details").element("summary", fmt::format("{} refused", count), {{"class", "dim"}});
  html.open("ul", {{"class", "small"}});
  for (const Refusal& refusal : refused) {
    std::string kernels;
    for (const std::string& kernel : refusal.kernels)
      kernels += (kernels.empty() ? "" : ", ") + kernel;
    html.open("li").text(refusal.why + ": ").element("code", kernels).close();
  }
  html.close().close();
}

void write_group(Html& html, const AlgorithmGroup& group) {
  html.element("h4", group.direction);
  html.element("p", problem_shapes(group.problem), {{"class", "dim small name"}});
  write_candidates(html, group);
  write_refusals(html, group);
}

}  // namespace

void write_algorithms(Html& html, const std::vector<AlgorithmGroup>& groups) {
  html.element("h2", "Algorithms", {{"id", "algorithms"}});
  html.element("p",
               "Every product of the step with the kernel that was chosen for it, and how much "
               "faster that is than the first applicable one, which runs without tuning, and than "
               "the fastest direct algorithm. Times are of kernels alone, with warm caches.",
               {{"class", "dim"}});
  write_choices(html, groups);
  html.open("p", {{"class", "key dim small"}}).text("All candidates by layer:");
  html.element("i", "", {{"class", "chosen"}}).text("chosen");
  html.element("i", "", {{"class", "first"}}).text("first applicable");
  html.element("i", "").text("others. The bar's end carries the interquartile range; ");
  html.text("the error is against the reference, in units of ε·(|A|·|B|).").close();
  std::vector<std::string> layers;
  for (const AlgorithmGroup& group : groups)
    if (layers.empty() || layers.back() != group.layer) layers.push_back(group.layer);
  const std::string open = layers.size() <= kMostOpenLayers ? "open" : "";
  for (const std::string& layer : layers) {
    html.open("details", {{"class", "layer"}, {"open", open}});
    html.open("summary").element("h3", layer).close();
    for (const AlgorithmGroup& group : groups)
      if (group.layer == layer) write_group(html, group);
    html.close();
  }
}

}  // namespace engine::tools
