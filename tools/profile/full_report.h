// All that there is to say of a training step on this machine: what the other commands show one by
// one, measured once.
#pragma once

#include <string>
#include <vector>

#include "tools/profile/algorithm_groups.h"
#include "tools/profile/arena.h"
#include "tools/profile/pass_rows.h"
#include "tools/profile/step_profile.h"

namespace engine::tools {

struct FullReport {
  std::string model, device, fingerprint, engine, made;  ///< made: when, in UTC
  TrainSettings settings;
  MemoryBudget memory;
  double tune_seconds = 0;
  int problems_tuned = 0;  ///< in this process; the cache knew the others
  std::vector<AlgorithmGroup> algorithms;
  StepProfile steps;
  std::vector<PassRow> passes;
  ArenaPlan arena;
  std::string arena_svg;
  std::string graph_svg, why_no_graph;  ///< one of them is empty
};

/// Loads `workload`, which is of `options`, and times it; with `ablate`, without each pass as well.
/// The result holds references into `workload`.
FullReport gather_report(Workload& workload, const WorkloadOptions& options, bool ablate);

/// The report as one HTML file.
std::string to_html(const FullReport& report);

}  // namespace engine::tools
