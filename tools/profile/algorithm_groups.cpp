#include "tools/profile/algorithm_groups.h"

#include <algorithm>

#include "graph/op.h"
#include "tools/profile/node_kind.h"

namespace engine::tools {
namespace {

// Empty for an op that is no product.
std::string direction_of(const std::string& op) {
  if (op == "dense") return "forward";
  if (op == "dense_input_gradient") return "backward_data";
  if (op == "dense_weight_gradient") return "backward_filter";
  return "";
}

AlgorithmRow only_row(const graph::Step& step) {
  CandidateResult result;
  result.candidate = step.candidate;
  result.configuration = step.configuration;
  result.workspace = step.workspace_bytes;
  return {result, true, false};
}

}  // namespace

std::vector<AlgorithmGroup> algorithm_groups(const graph::Program& program,
                                             const std::vector<TuningRecord>& records) {
  std::vector<AlgorithmGroup> groups;
  for (const graph::Step& step : program.steps) {
    const std::string direction = direction_of(step.node->op().name());
    if (direction.empty()) continue;
    AlgorithmGroup group{layer_of(*step.node), direction, step.problem, {}};
    const auto record = std::find_if(records.begin(), records.end(), [&](const auto& candidate) {
      return candidate.problem == step.problem;
    });
    if (record == records.end())
      group.rows.push_back(only_row(step));
    else
      group.rows = algorithm_rows(*record, step.candidate, step.configuration);
    groups.push_back(std::move(group));
  }
  return groups;
}

Record to_record(const AlgorithmGroup& group, const AlgorithmRow& row) {
  Record record;
  record.set("layer", group.layer).set("direction", group.direction);
  record.set("problem", group.problem);
  set_algorithm(record, row);
  return record;
}

}  // namespace engine::tools
