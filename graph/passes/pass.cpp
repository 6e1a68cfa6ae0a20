#include "graph/passes/pass.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/core/error.h"

namespace engine::graph {

PassRegistry& PassRegistry::global() {
  static PassRegistry registry;
  return registry;
}

void PassRegistry::add(Pass pass) {
  for (const Pass& present : passes_)
    if (present.name == pass.name) throw UsageError("pass '" + pass.name + "' is registered twice");
  // Kept sorted: a pass goes after those of its own order.
  auto position = std::upper_bound(passes_.begin(), passes_.end(), pass,
                                   [](const Pass& a, const Pass& b) { return a.order < b.order; });
  passes_.insert(position, std::move(pass));
}

std::vector<PassReport> run_passes(Graph& graph, Stage stage, const std::set<std::string>& off) {
  const std::vector<Pass>& passes = PassRegistry::global().passes();
  for (const std::string& name : off) {
    if (std::any_of(passes.begin(), passes.end(), [&](const Pass& p) { return p.name == name; }))
      continue;
    std::string known;
    for (const Pass& pass : passes) known += (known.empty() ? "" : ", ") + pass.name;
    throw UsageError(fmt::format("no pass is called '{}'; expected one of {}", name, known));
  }
  std::vector<PassReport> reports;
  for (const Pass& pass : passes) {
    if (pass.stage != stage) continue;
    PassReport report{pass.name, off.count(pass.name) == 0, {}};
    if (report.enabled) {
      report.rewrites = pass.run(graph);
      graph.verify();
    }
    reports.push_back(std::move(report));
  }
  return reports;
}

}  // namespace engine::graph
