// Steps, passes, memory and graph in an HTML report.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "graph/op.h"
#include "tools/common/format.h"
#include "tools/profile/report_sections.h"

namespace engine::tools {
namespace {

// A drawing without what only a file of its own has before it.
std::string embedded(const std::string& svg) {
  const std::size_t start = svg.find("<svg");
  return start == std::string::npos ? "" : svg.substr(start);
}

std::vector<HtmlCell> step_cells(const StepProfile& profile, std::size_t i, double largest) {
  const graph::Step& step = profile.steps[i];
  const Reorder reorder = reorder_of(step);
  const double attainable = profile.attainable_share(i);
  const bool is_arithmetic = profile.peaks.is_arithmetic_bound(step);
  const double number = static_cast<double>(i);
  const std::string mark =
      reorder == Reorder::none
          ? ""
          : Html()
                .element("span", reorder == Reorder::step ? "reorder" : "reorders inside",
                         {{"class", "tag reorder"}})
                .to_string();
  return {
      {fmt::format("{}", i), number},
      {step.node->label(), {}, mark},
      {kernel_of(step), {}, {}, "name"},
      {fmt::format("{:.1f}", profile.microseconds(i)), profile.microseconds(i)},
      {percent(profile.share(i)), profile.share(i)},
      {"", profile.share(i), html_bar(profile.share(i) / largest, 0, "chosen"), "chart"},
      {step.flops > 0 ? fmt::format("{:.1f}", profile.gigaflops(i)) : "-", profile.gigaflops(i)},
      {fmt::format("{:.1f}", profile.gigabytes(i)), profile.gigabytes(i)},
      {percent(attainable), attainable},
      {"", attainable, html_bar(attainable, 0, is_arithmetic ? "first" : ""), "chart"},
      {is_arithmetic ? "arithmetic" : "memory"}};
}

HtmlCell bytes_cell(double bytes) {
  const std::string sign = bytes < 0 ? "-" : "";
  return {bytes == 0 ? "-" : sign + human_bytes(std::abs(bytes)), bytes};
}

}  // namespace

void write_steps(Html& html, const StepProfile& profile) {
  html.element("h2", "Steps", {{"id", "steps"}});
  const Peaks& peaks = profile.peaks;
  html.element(
      "p",
      fmt::format("Every launch of a training step. The roof is what the peaks measured "
                  "here allow: {:.1f} GFLOP/s ({}), {:.1f} GB/s (streaming over {}). A "
                  "kernel whose operands were in a faster cache may be above it, and so may "
                  "Winograd's, which multiplies less than the operations counted: those "
                  "of the direct algorithm. Where arithmetic bounds a kernel its bar is orange.",
                  peaks.gigaflops, peaks.product, peaks.gigabytes,
                  human_bytes(static_cast<double>(peaks.footprint))),
      {{"class", "dim"}});
  html.element("p", describe(count_reorders(profile)));
  HtmlTable table({{"#", true},
                   {"step"},
                   {"kernel"},
                   {"µs", true},
                   {"share", true},
                   {""},
                   {"GFLOP/s", true},
                   {"GB/s", true},
                   {"of roof", true},
                   {""},
                   {"bound by"}});
  double largest = 0;
  for (std::size_t i = 0; i < profile.steps.size(); ++i)
    largest = std::max(largest, profile.share(i));
  for (std::size_t i = 0; i < profile.steps.size(); ++i) table.add(step_cells(profile, i, largest));
  for (const auto& [name, time] : {std::pair("sum", profile.times.sum()),
                                   std::pair("in one go", profile.times.whole.microseconds)})
    table.add_sum({{},
                   {name},
                   {},
                   {fmt::format("{:.1f}", time)},
                   {},
                   {},
                   {},
                   {},
                   {percent(profile.attainable() / time)},
                   {},
                   {}});
  table.write(html, "steps");
}

void write_passes(Html& html, const std::vector<PassRow>& passes) {
  const bool is_ablated = std::any_of(
      passes.begin(), passes.end(), [](const PassRow& pass) { return pass.ablation.has_value(); });
  html.element("h2", "Graph rewrites", {{"id", "passes"}});
  std::vector<HtmlTable::Column> columns = {
      {"pass"}, {"stage"}, {"rewrites", true}, {"what it does"}};
  if (is_ablated)
    columns.insert(columns.end(), {{"gain µs", true}, {"gain", true}, {"arena gain", true}, {""}});
  HtmlTable table(columns);
  for (const PassRow& pass : passes) {
    const double count = static_cast<double>(pass.rewrites.size());
    std::vector<HtmlCell> cells = {{pass.name, {}, {}, "name"},
                                   {pass.stage},
                                   {pass.enabled ? fmt::format("{}", count) : "off", count},
                                   {pass.description, {}, {}, "prose"}};
    if (is_ablated && pass.ablation) {
      const Ablation& gain = *pass.ablation;
      const double share = gain.gain.microseconds / gain.without.microseconds;
      cells.insert(cells.end(),
                   {{fmt::format("{:+.1f} ± {:.1f}", gain.gain.microseconds, gain.gain.spread),
                     gain.gain.microseconds},
                    {fmt::format("{:+.1f}%", 100 * share), share},
                    bytes_cell(static_cast<double>(gain.arena_without) -
                               static_cast<double>(gain.arena_with)),
                    {gain.is_significant() ? "" : "within noise"}});
    } else if (is_ablated) {
      cells.insert(cells.end(), {{"-"}, {"-"}, {"-"}, {}});
    }
    table.add(cells);
  }
  table.write(html);
  for (const PassRow& pass : passes) {
    if (pass.rewrites.empty()) continue;
    html.open("details");
    html.element("summary", fmt::format("{}: {} rewrites", pass.name, pass.rewrites.size()));
    html.open("ul", {{"class", "small"}});
    for (const std::string& rewrite : pass.rewrites) html.element("li", rewrite);
    html.close().close();
  }
}

void write_memory(Html& html, const FullReport& report) {
  const auto bytes = [](std::size_t count) { return human_bytes(static_cast<double>(count)); };
  html.element("h2", "Memory", {{"id", "memory"}});
  html.element("p",
               fmt::format("{} of arena for activations, gradients and workspaces, {} of "
                           "parameters, moments and counters, {} of generated code.",
                           bytes(report.memory.arena), bytes(report.memory.state),
                           bytes(report.memory.code)),
               {{"class", "dim"}});
  html.open("div", {{"class", "drawing fit"}}).markup(embedded(report.arena_svg)).close();
}

void write_graph(Html& html, const FullReport& report) {
  html.element("h2", "Graph", {{"id", "graph"}});
  if (report.graph_svg.empty()) {
    html.element("p", "Not drawn: " + report.why_no_graph, {{"class", "dim"}});
    return;
  }
  html.element("p",
               "The compiled step: blue is forward, orange gradients, green updates; a red arrow "
               "takes its operand's memory.",
               {{"class", "dim"}});
  html.open("details").element("summary", "show the drawing");
  html.open("div", {{"class", "drawing tall"}}).markup(embedded(report.graph_svg)).close().close();
}

}  // namespace engine::tools
