// The rules that every graph obeys, checked after each pass.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "engine/core/error.h"
#include "graph/op.h"

namespace engine::graph {
namespace {

using Schedule = std::unordered_map<const Node*, int>;

[[noreturn]] void reject(const Node& node, const std::string& why) {
  throw InternalError(fmt::format("graph verification: node %{} '{}' ({}) {}", node.id(),
                                  node.label(), node.op().name(), why));
}

void check_operands(const Node& node, const Schedule& schedule) {
  for (const Value* input : node.inputs()) {
    auto producer = schedule.find(&input->producer());
    if (producer == schedule.end() || producer->second >= schedule.at(&node))
      reject(node, "uses " + input->name() + " before it is defined");
    if (std::find(input->uses().begin(), input->uses().end(), &node) == input->uses().end())
      reject(node, "is missing from the uses of " + input->name());
  }
}

void check_types(const Node& node) {
  const Problem problem = make_problem(node);
  for (std::size_t i = 0; i < node.output_count(); ++i)
    if (problem.outputs.size() != node.output_count() ||
        problem.outputs[i] != node.output(i)->type())
      reject(node, "has outputs that its op does not infer");
}

// An output computed in place destroys the input, so nothing may read that later.
void check_in_place(const Node& node, const Schedule& schedule) {
  for (std::size_t i = 0; i < node.output_count(); ++i) {
    const int source = node.in_place()[i];
    if (source == kNotInPlace) continue;
    const Value* input = node.input(static_cast<std::size_t>(source));
    if (input->type().bytes() != node.output(i)->type().bytes())
      reject(node, "takes over storage of another size");
    for (const Node* user : input->uses())
      if (user != &node && schedule.at(user) > schedule.at(&node))
        reject(node, "overwrites " + input->name() + ", which a later node reads");
  }
}

// State: one assignment at most, nothing reads the old value after it, constants are never
// assigned.
void check_state(const Graph& graph, const Schedule& schedule) {
  std::unordered_map<std::string, const Node*> assigned;
  for (const auto& node : graph.nodes()) {
    if (is_state_read(*node)) {
      if (assigned.count(state_name(*node)))
        reject(*node, "reads state '" + state_name(*node) + "' after its assignment");
    } else if (is_state_assign(*node)) {
      const State* state = graph.find_state(state_name(*node));
      if (state == nullptr) reject(*node, "assigns an undeclared state");
      if (state->role == StateRole::constant || state->role == StateRole::data)
        reject(*node, "assigns a state that is constant");
      if (!assigned.emplace(state->name, node.get()).second)
        reject(*node, "assigns state '" + state->name + "' a second time");
    }
  }
  for (const auto& node : graph.nodes()) {
    if (!is_state_read(*node)) continue;
    auto assignment = assigned.find(state_name(*node));
    if (assignment == assigned.end()) continue;
    for (const Node* user : node->output()->uses())
      if (schedule.at(user) > schedule.at(assignment->second))
        reject(*user,
               "uses the old value of state '" + state_name(*node) + "' after its assignment");
  }
}

}  // namespace

void Graph::verify() const {
  const Schedule order = schedule();
  for (const auto& node : nodes_) {
    check_operands(*node, order);
    check_types(*node);
    check_in_place(*node, order);
  }
  check_state(*this, order);
}

}  // namespace engine::graph
