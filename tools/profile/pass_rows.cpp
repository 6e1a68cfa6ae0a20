#include "tools/profile/pass_rows.h"

#include <algorithm>

#include "engine/core/error.h"
#include "graph/passes/pass.h"

namespace engine::tools {
namespace {

const graph::Pass& find_pass(const std::string& name) {
  const auto& passes = graph::PassRegistry::global().passes();
  const auto place = std::find_if(passes.begin(), passes.end(),
                                  [&](const graph::Pass& pass) { return pass.name == name; });
  ENGINE_CHECK(place != passes.end(), "a report of an unknown pass: " + name);
  return *place;
}

}  // namespace

std::vector<PassRow> pass_rows(const Workload& workload) {
  std::vector<PassRow> rows;
  for (const graph::PassReport& report : workload.passes()) {
    const graph::Pass& pass = find_pass(report.pass);
    rows.push_back({report.pass, pass.stage == graph::Stage::forward ? "forward" : "step",
                    pass.description, report.enabled, report.rewrites, std::nullopt});
  }
  return rows;
}

void ablate_all(std::vector<PassRow>& passes, Workload& workload, const WorkloadOptions& options) {
  workload.load();
  for (PassRow& pass : passes) {
    if (pass.rewrites.empty()) continue;
    workload.status().show("timing the step without " + pass.name);
    pass.ablation = ablate(workload, options, pass.name);
  }
  workload.status().clear();
}

}  // namespace engine::tools
