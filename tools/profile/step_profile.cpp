#include "tools/profile/step_profile.h"

#include <fmt/format.h>

#include "engine/core/error.h"
#include "graph/op.h"

namespace engine::tools {

double StepProfile::attainable() const {
  double sum = 0;
  for (const graph::Step& step : steps) sum += peaks.attainable(step);
  return sum;
}

StepProfile profile_steps(Workload& workload) {
  workload.status().show("timing the training step");
  const MemoryBudget memory = workload.runtime().budget();
  StepProfile profile{workload.program().steps, time_steps(workload), {}};
  workload.status().show("measuring the device's peaks");
  profile.peaks = measure_peaks(workload.runtime().device(), workload.runtime().stream(),
                                workload.math(), memory.state + memory.arena);
  workload.status().clear();
  return profile;
}

std::string kernel_of(const graph::Step& step) {
  return step.configuration.empty() ? step.candidate : step.candidate + "/" + step.configuration;
}

const char* reorder_name(Reorder reorder) {
  switch (reorder) {
    case Reorder::none:
      return "none";
    case Reorder::step:
      return "step";
    case Reorder::inside:
      return "inside";
  }
  throw InternalError("a reorder outside its enumeration");
}

// By the names that kernels with conversions around them have.
Reorder reorder_of(const graph::Step& step) {
  if (step.node->op().name() == "to_layout") return Reorder::step;
  const bool is_inside = step.candidate.ends_with(".converted") || step.configuration == "blocked";
  return is_inside ? Reorder::inside : Reorder::none;
}

ReorderCount count_reorders(const StepProfile& profile) {
  ReorderCount count;
  for (std::size_t i = 0; i < profile.steps.size(); ++i) {
    const Reorder reorder = reorder_of(profile.steps[i]);
    count.inside += reorder == Reorder::inside ? 1 : 0;
    if (reorder != Reorder::step) continue;
    ++count.steps;
    count.microseconds += profile.microseconds(i);
    count.share += profile.share(i);
  }
  return count;
}

std::string describe(const ReorderCount& count) {
  return fmt::format("reorders: {} step{} layouts, {:.1f} µs ({:.1f}%); {} kernel{} inside",
                     count.steps, count.steps == 1 ? " converts" : "s convert", count.microseconds,
                     100 * count.share, count.inside,
                     count.inside == 1 ? " converts" : "s convert");
}

}  // namespace engine::tools
