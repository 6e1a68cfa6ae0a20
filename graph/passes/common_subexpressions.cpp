// Common subexpressions: of two nodes with the same op, attributes and operands the first serves
// for both. Safe for random ops too, because what they draw is among their attributes and operands.
#include <fmt/format.h>

#include <map>
#include <tuple>

#include "graph/op.h"
#include "graph/passes/pass.h"

namespace engine::graph {
namespace {

using Key = std::tuple<std::string, std::string, std::vector<Value*>>;

std::vector<std::string> merge_common(Graph& graph) {
  std::map<Key, Node*> seen;
  std::vector<Node*> order;
  for (const auto& node : graph.nodes()) order.push_back(node.get());
  std::vector<std::string> rewrites;
  for (Node* node : order) {
    if (is_state_assign(*node)) continue;
    const auto [entry, is_new] = seen.emplace(
        Key{node->op().name(), node->op().attributes().to_string(), node->inputs()}, node);
    if (is_new) continue;
    Node& first = *entry->second;
    rewrites.push_back(fmt::format("%{} of '{}' serves for %{} of '{}'", first.id(), first.label(),
                                   node->id(), node->label()));
    for (std::size_t i = 0; i < node->output_count(); ++i)
      graph.replace_uses(*node->output(i), *first.output(i));
    graph.erase(*node);
  }
  return rewrites;
}

}  // namespace

Pass common_subexpressions_pass() {
  return {"common-subexpressions", "compute equal expressions once", Stage::step, 100,
          merge_common};
}

}  // namespace engine::graph
