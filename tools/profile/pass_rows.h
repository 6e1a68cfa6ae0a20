// What every pass did to a training step, and what it gains.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tools/profile/ablation.h"
#include "tools/profile/workload.h"

namespace engine::tools {

struct PassRow {
  std::string name, stage, description;  ///< stage: "forward" or "step"
  bool enabled = true;
  std::vector<std::string> rewrites;  ///< a line each
  std::optional<Ablation> ablation;   ///< empty before ablate_all(), and where nothing was changed
};

/// In the order they ran.
std::vector<PassRow> pass_rows(const Workload& workload);
/// Loads `workload`, which is of `options`, and times it without each pass in turn. A pass that
/// changed nothing gains nothing: there is nothing to time.
void ablate_all(std::vector<PassRow>& passes, Workload& workload, const WorkloadOptions& options);

}  // namespace engine::tools
