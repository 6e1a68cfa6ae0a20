#include "tools/profile/rows.h"

#include <algorithm>

#include "graph/op.h"

namespace engine::tools {
namespace {

// Empty for an op that is no product.
std::string direction_of(const std::string& op) {
  if (op == "dense") return "forward";
  if (op == "dense_input_gradient") return "backward_data";
  if (op == "dense_weight_gradient") return "backward_filter";
  return "";
}

std::vector<AlgorithmRow> rows_of(const TuningRecord& record, const graph::Step& step) {
  std::vector<AlgorithmRow> rows;
  for (const CandidateResult& result : record.results) {
    const bool chosen =
        result.candidate == step.candidate && result.configuration == step.configuration;
    rows.push_back({result, chosen, result.refusal.empty() && result.microseconds > 0});
  }
  return rows;
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
    const std::string& label = step.node->label();
    AlgorithmGroup group{label.substr(0, label.find('/')), direction, step.problem, {}};
    const auto record = std::find_if(records.begin(), records.end(), [&](const auto& candidate) {
      return candidate.problem == step.problem;
    });
    if (record == records.end())
      group.rows.push_back(only_row(step));
    else
      group.rows = rows_of(*record, step);
    groups.push_back(std::move(group));
  }
  return groups;
}

Record to_record(const AlgorithmGroup& group, const AlgorithmRow& row) {
  const auto when_timed = [&](double value) { return row.timed ? Field(value) : Field(nullptr); };
  Record record;
  record.set("layer", group.layer).set("direction", group.direction);
  record.set("problem", group.problem).set("candidate", row.result.candidate);
  record.set("config", row.result.configuration).set("chosen", row.chosen);
  record.set("microseconds", when_timed(row.result.microseconds));
  record.set("spread", when_timed(row.result.spread));
  record.set("workspace", static_cast<std::int64_t>(row.result.workspace));
  record.set("deterministic", row.result.deterministic);
  record.set("error", when_timed(row.result.error));
  const bool refused = !row.result.refusal.empty();
  return record.set("refusal", refused ? Field(row.result.refusal) : Field(nullptr));
}

}  // namespace engine::tools
