// Dead code: nodes none of whose outputs anybody reads go, from the end of the schedule backwards,
// so that whole unused branches disappear. Assignments to state are what a program is for, and
// stay.
#include <fmt/format.h>

#include <algorithm>

#include "graph/op.h"
#include "graph/passes/pass.h"

namespace engine::graph {
namespace {

bool is_dead(const Node& node) {
  if (is_state_assign(node)) return false;
  for (std::size_t i = 0; i < node.output_count(); ++i)
    if (!node.output(i)->uses().empty()) return false;
  return true;
}

std::vector<std::string> remove_dead_code(Graph& graph) {
  std::vector<Node*> order;
  for (const auto& node : graph.nodes()) order.push_back(node.get());
  std::vector<std::string> rewrites;
  for (auto it = order.rbegin(); it != order.rend(); ++it) {
    Node& node = **it;
    if (!is_dead(node)) continue;
    rewrites.push_back(
        fmt::format("%{} {} of '{}' is never used", node.id(), node.op().name(), node.label()));
    graph.erase(node);
  }
  return rewrites;
}

}  // namespace

Pass dead_code_pass() {
  return {"dead-code", "remove what nobody reads", Stage::step, 200, remove_dead_code};
}

}  // namespace engine::graph
