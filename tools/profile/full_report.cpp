#include "tools/profile/full_report.h"

#include <fmt/chrono.h>

#include <ctime>

#include "engine/core/error.h"
#include "engine/core/version.h"
#include "tools/profile/arena_drawing.h"
#include "tools/profile/dot.h"

namespace engine::tools {
namespace {

// Graphviz may not be there: the rest is worth having without it.
void draw_graph(FullReport& report, Workload& workload) {
  try {
    report.graph_svg = render_dot(to_dot(workload.program()));
  } catch (const Error& failure) {
    report.why_no_graph = failure.what();
  }
}

}  // namespace

FullReport gather_report(Workload& workload, const WorkloadOptions& options, bool ablate) {
  workload.load();
  Runtime& runtime = workload.runtime();
  FullReport report{.model = workload.model().name,
                    .device = runtime.device().name(),
                    .fingerprint = runtime.device().fingerprint(),
                    .engine = kVersion,
                    .made = fmt::format("{:%Y-%m-%d %H:%M} UTC", fmt::gmtime(std::time(nullptr))),
                    .settings = workload.settings(),
                    .memory = runtime.budget(),
                    .tune_seconds = runtime.tuner().seconds_spent(),
                    .problems_tuned = runtime.tuner().problems_tuned(),
                    .algorithms = algorithm_groups(workload),
                    .steps = profile_steps(workload),
                    .passes = pass_rows(workload),
                    .arena = arena_plan(workload.program()),
                    .arena_svg = {},
                    .graph_svg = {},
                    .why_no_graph = {}};
  if (ablate) ablate_all(report.passes, workload, options);
  report.arena_svg = draw_arena(report.arena, workload.title());
  workload.status().show("drawing the graph");
  draw_graph(report, workload);
  workload.status().clear();
  return report;
}

}  // namespace engine::tools
