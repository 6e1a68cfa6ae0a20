#include "graph/differentiate.h"

#include <fmt/format.h>

#include <unordered_map>
#include <unordered_set>

#include "engine/core/error.h"
#include "graph/op.h"

namespace engine::graph {
namespace {

// The sums of gradients that have reached each value so far.
class Accumulator {
 public:
  Accumulator(Graph& graph) : graph_(graph) {}

  Value* find(const Value* value) const {
    auto entry = sums_.find(value);
    return entry == sums_.end() ? nullptr : entry->second;
  }

  void contribute(const Value* value, Value* gradient) {
    ENGINE_CHECK(gradient->type() == value->type(),
                 fmt::format("the gradient of {} has type {}, expected {}", value->name(),
                             gradient->type().to_string(), value->type().to_string()));
    Value*& sum = sums_[value];
    sum = sum == nullptr
              ? gradient
              : graph_.apply(make_add(), {sum, gradient}, value->producer().label() + "/gradient");
  }

 private:
  Graph& graph_;
  std::unordered_map<const Value*, Value*> sums_;
};

// Nodes whose outputs depend on a wanted value.
std::unordered_set<const Node*> downstream(const std::vector<Node*>& order,
                                           const std::unordered_set<const Value*>& wanted) {
  std::unordered_set<const Node*> reached;
  for (const Node* node : order)
    for (const Value* input : node->inputs())
      if (wanted.count(input) || reached.count(&input->producer())) reached.insert(node);
  return reached;
}

}  // namespace

std::vector<Value*> differentiate(Graph& graph, Value* objective, std::span<Value* const> wanted) {
  if (!is_floating(objective->type().dtype) || objective->type().shape.rank() != 0)
    throw UsageError("the objective of a differentiation must be a floating scalar, it is " +
                     objective->type().to_string());
  std::vector<Node*> order;
  for (const auto& node : graph.nodes()) order.push_back(node.get());
  const std::unordered_set<const Value*> targets(wanted.begin(), wanted.end());
  const std::unordered_set<const Node*> active = downstream(order, targets);

  Accumulator gradients(graph);
  gradients.contribute(objective,
                       graph.read({kGradientSeed, objective->type(), StateRole::constant, 1}));
  for (auto it = order.rbegin(); it != order.rend(); ++it) {
    const Node& node = **it;
    if (!active.count(&node)) continue;
    std::vector<Value*> output_gradients;
    bool reached = false;
    for (std::size_t i = 0; i < node.output_count(); ++i) {
      output_gradients.push_back(gradients.find(node.output(i)));
      if (output_gradients.back() == nullptr) continue;
      if (!node.op().differentiable(i))
        throw UsageError(
            fmt::format("the objective depends on output {} of '{}', a by-product of "
                        "{} without a gradient",
                        i, node.label(), node.op().name()));
      reached = true;
    }
    if (!reached) continue;
    std::vector<bool> needed;
    for (const Value* input : node.inputs())
      needed.push_back(targets.count(input) || active.count(&input->producer()));
    const std::vector<Value*> emitted = node.op().gradient({graph, node, output_gradients, needed});
    ENGINE_CHECK(emitted.size() == needed.size(), "a gradient for each input of " + node.label());
    for (std::size_t i = 0; i < needed.size(); ++i)
      if (needed[i] && emitted[i] != nullptr) gradients.contribute(node.input(i), emitted[i]);
  }

  std::vector<Value*> result;
  for (const Value* value : wanted) result.push_back(gradients.find(value));
  return result;
}

}  // namespace engine::graph
