// In-place reuse: an output takes over the storage of an input that dies at the node, where the op
// allows it. For state this is what makes an update free: the new parameter is written over the old
// one, and the assignment that follows has nothing left to copy.
#include <fmt/format.h>

#include <set>

#include "graph/op.h"
#include "graph/passes/pass.h"

namespace engine::graph {
namespace {

// The state that `value` is assigned to, nullptr when it is to none.
const Node* assignment_of(const Value& value) {
  for (const Node* user : value.uses())
    if (is_state_assign(*user)) return user;
  return nullptr;
}

// Whether anything but one operand of `node` reads the state or value after the node starts.
bool dies_at(const Value& value, const Node& node,
             const std::unordered_map<const Node*, int>& order) {
  int operands = 0;
  for (const Node* user : value.uses()) {
    if (user == &node) ++operands;
    if (order.at(user) > order.at(&node)) return false;
  }
  return operands == 1;
}

// Overwriting state is right only with the state's own next value, when no other read is
// outstanding.
bool may_overwrite_state(const Graph& graph, const Node& read, const Node& node,
                         const Value& output, const std::unordered_map<const Node*, int>& order) {
  const Node* assignment = assignment_of(output);
  if (assignment == nullptr || state_name(*assignment) != state_name(read)) return false;
  for (const auto& other : graph.nodes())
    if (other.get() != &read && is_state_read(*other) && state_name(*other) == state_name(read))
      for (const Node* user : other->output()->uses())
        if (order.at(user) >= order.at(&node)) return false;
  return true;
}

bool allowed(const Graph& graph, const Node& node, std::size_t output, const Value& input,
             const std::unordered_map<const Node*, int>& order) {
  if (input.type().bytes() != node.output(output)->type().bytes() || !dies_at(input, node, order))
    return false;
  if (is_state_read(input.producer()))
    return may_overwrite_state(graph, input.producer(), node, *node.output(output), order);
  // A value that is a state's next one may live in that state's buffer: leave it alone.
  return assignment_of(input) == nullptr;
}

std::vector<std::string> write_in_place(Graph& graph) {
  const auto order = graph.schedule();
  std::vector<std::string> rewrites;
  for (const auto& node : graph.nodes()) {
    std::set<std::size_t> taken;  // inputs whose storage an output of this node has
    for (const auto& [output, input] : node->op().in_place_pairs(*node)) {
      const Value& candidate = *node->input(input);
      if (node->in_place()[output] != kNotInPlace || taken.count(input)) continue;
      if (!allowed(graph, *node, output, candidate, order)) continue;
      node->set_in_place(output, static_cast<int>(input));
      taken.insert(input);
      rewrites.push_back(fmt::format("{} of '{}' takes the place of {}",
                                     node->output(output)->name(), node->label(),
                                     candidate.name()));
    }
  }
  return rewrites;
}

}  // namespace

Pass in_place_pass() {
  return {"in-place", "write results over operands that die", Stage::step, 300, write_in_place};
}

}  // namespace engine::graph
