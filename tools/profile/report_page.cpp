// The HTML report as a whole: what it is of, what it comes to, and its parts.
#include <fmt/format.h>

#include "tools/common/format.h"
#include "tools/profile/report_sections.h"

namespace engine::tools {
namespace {

void write_fact(Html& html, const std::string& name, const std::string& value) {
  html.element("dt", name).element("dd", value);
}

void write_header(Html& html, const FullReport& report) {
  html.open("header").element("h1", report.model);
  html.element("p", "One training step, compiled for this machine.", {{"class", "dim"}});
  html.open("dl", {{"class", "facts"}});
  const TrainSettings& settings = report.settings;
  write_fact(html, "device", report.device + ": " + report.fingerprint);
  write_fact(html, "precision", settings.precision);
  write_fact(html, "batch", fmt::format("{}", settings.batch));
  write_fact(html, "autotune",
             settings.autotune + (settings.deterministic ? ", deterministic kernels only" : "") +
                 (settings.candidates.empty() ? "" : ", candidates " + settings.candidates));
  if (!settings.passes_off.empty()) {
    std::string names;
    for (const std::string& pass : settings.passes_off) names += (names.empty() ? "" : ", ") + pass;
    write_fact(html, "rewrites off", names);
  }
  write_fact(html, "engine", report.engine);
  write_fact(html, "made", report.made);
  html.close().open("nav");
  for (const char* part : {"algorithms", "steps", "memory", "passes", "graph"})
    html.element("a", part, {{"href", std::string("#") + part}});
  html.close().close();
}

void write_card(Html& html, const std::string& value, const std::string& what) {
  html.open("div", {{"class", "card"}}).element("b", value).element("span", what).close();
}

void write_gain(Html& html, double chosen, double other, const std::string& what) {
  if (chosen <= 0 || other <= 0) return;
  write_card(html, fmt::format("{:.2f}x", other / chosen),
             fmt::format("{}: {:.2f} ms a step saved", what, (other - chosen) / 1e3));
}

void write_summary(Html& html, const FullReport& report) {
  const double whole = report.steps.times.whole.microseconds;
  html.open("div", {{"class", "cards"}});
  write_card(html, fmt::format("{:.2f} ms", whole / 1e3),
             fmt::format("a step, {:.0f} observations a second",
                         static_cast<double>(report.settings.batch) / whole * 1e6));
  write_card(html, fmt::format("{:.1f}%", 100 * report.steps.attainable() / whole),
             "of the roofline, for which Winograd's products count as direct ones");
  const MemoryBudget& memory = report.memory;
  write_card(html, human_bytes(static_cast<double>(memory.arena + memory.state + memory.code)),
             "of memory at the peak, beside the data");
  const TotalGain total = total_gain(report.algorithms);
  write_card(html, fmt::format("{}", total.timed),
             fmt::format("configurations timed for {} problems, {} refused", total.problems,
                         total.refused));
  write_gain(html, total.chosen, total.heuristic, "faster than the first applicable kernels");
  write_gain(html, total.chosen_beside_direct, total.direct, "faster than direct convolution");
  const ReorderCount reorders = count_reorders(report.steps);
  write_card(html, fmt::format("{}", reorders.steps),
             fmt::format("layout conversions, {:.1f}% of the step", 100 * reorders.share));
  if (report.problems_tuned > 0)
    write_card(html, human_seconds(report.tune_seconds),
               fmt::format("of tuning, {} problems", report.problems_tuned));
  html.close();
}

}  // namespace

std::string to_html(const FullReport& report) {
  Html body;
  write_header(body, report);
  body.open("main").element("h2", "Summary");
  write_summary(body, report);
  write_algorithms(body, report.algorithms);
  write_steps(body, report.steps);
  write_memory(body, report);
  write_passes(body, report.passes);
  write_graph(body, report);
  body.close();
  return html_document(report.model + " on " + report.device, body);
}

}  // namespace engine::tools
