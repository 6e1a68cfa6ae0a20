#include "graph/ir.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/core/error.h"
#include "graph/op.h"

namespace engine::graph {
namespace {

// A node of its own kind each: their only content is the state they name, kept as an attribute.
class StateReadOp final : public Op {
 public:
  explicit StateReadOp(const State& state)
      : Op(kStateRead, Attributes().set("state", state.name)), type_(state.type) {}
  std::vector<TensorType> infer(std::span<const TensorType>) const override { return {type_}; }

 private:
  TensorType type_;
};

class StateAssignOp final : public Op {
 public:
  explicit StateAssignOp(const State& state)
      : Op(kStateAssign, Attributes().set("state", state.name)), type_(state.type) {}
  std::vector<TensorType> infer(std::span<const TensorType> inputs) const override {
    if (inputs.size() != 1 || inputs[0] != type_)
      throw ShapeError(fmt::format("state '{}' of type {} is assigned a value of another type{}",
                                   attributes().text("state"), type_.to_string(),
                                   inputs.empty() ? "" : ", " + inputs[0].to_string()));
    return {};
  }

 private:
  TensorType type_;
};

void expect_layouts(const Op& op, std::span<const TensorType> inputs) {
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (inputs[i].layout != Layout::row_major && !op.any_layout(i))
      throw ShapeError(
          fmt::format("operand {} is {}, expected it row-major", i, inputs[i].to_string()));
}

}  // namespace

std::string_view state_role_name(StateRole role) {
  switch (role) {
    case StateRole::parameter:
      return "parameter";
    case StateRole::statistic:
      return "statistic";
    case StateRole::optimizer:
      return "optimizer";
    case StateRole::counter:
      return "counter";
    case StateRole::constant:
      return "constant";
    case StateRole::data:
      return "data";
    case StateRole::output:
      return "output";
  }
  return "?";
}

std::string Value::name() const {
  return index_ == 0 ? fmt::format("%{}", producer_->id())
                     : fmt::format("%{}.{}", producer_->id(), index_);
}

const State* Graph::find_state(const std::string& name) const {
  for (const State& state : states_)
    if (state.name == name) return &state;
  return nullptr;
}

void Graph::declare(const State& state) {
  const State* present = find_state(state.name);
  if (present == nullptr) {
    states_.push_back(state);
  } else if (!(*present == state)) {
    throw UsageError(fmt::format("state '{}' is declared as {} {} and as {} {}", state.name,
                                 state_role_name(present->role), present->type.to_string(),
                                 state_role_name(state.role), state.type.to_string()));
  }
}

Node& Graph::insert(Position position, std::shared_ptr<const Op> op, std::vector<Value*> inputs,
                    std::string label) {
  std::vector<TensorType> input_types;
  for (const Value* input : inputs) input_types.push_back(input->type());
  auto node = std::make_unique<Node>();
  node->id_ = next_id_++;
  node->op_ = std::move(op);
  node->label_ = std::move(label);
  node->inputs_ = std::move(inputs);
  std::vector<TensorType> output_types;
  try {
    expect_layouts(*node->op_, input_types);
    output_types = node->op_->infer(input_types);
  } catch (const ShapeError& error) {
    throw ShapeError(fmt::format("{} ({}): {}", node->label_, node->op_->name(), error.what()));
  }
  for (std::size_t i = 0; i < output_types.size(); ++i)
    node->outputs_.push_back(std::unique_ptr<Value>(new Value(*node, i, output_types[i])));
  node->in_place_.assign(output_types.size(), kNotInPlace);
  for (Value* input : node->inputs_) input->uses_.push_back(node.get());
  Node& added = *node;
  positions_[&added] = nodes_.insert(position, std::move(node));
  return added;
}

Node& Graph::add(std::shared_ptr<const Op> op, std::vector<Value*> inputs, std::string label) {
  return insert(nodes_.end(), std::move(op), std::move(inputs), std::move(label));
}

Node& Graph::insert_before(Node& position, std::shared_ptr<const Op> op, std::vector<Value*> inputs,
                           std::string label) {
  return insert(positions_.at(&position), std::move(op), std::move(inputs), std::move(label));
}

Value* Graph::read(const State& state) {
  declare(state);
  return apply(std::make_shared<StateReadOp>(state), {}, state.name);
}

void Graph::assign(const State& state, Value* value) {
  declare(state);
  add(std::make_shared<StateAssignOp>(state), {value}, state.name);
}

void Graph::drop_use(Value& value, Node& node) {
  auto use = std::find(value.uses_.begin(), value.uses_.end(), &node);
  ENGINE_CHECK(use != value.uses_.end(), "a use list lost " + value.name());
  value.uses_.erase(use);
}

void Graph::replace_uses(Value& from, Value& to) {
  ENGINE_CHECK(from.type() == to.type(), "a value is replaced by one of another type");
  for (Node* user : std::vector<Node*>(from.uses_)) {
    drop_use(from, *user);
    // One operand at a time: a node that reads the value twice is in the list twice.
    *std::find(user->inputs_.begin(), user->inputs_.end(), &from) = &to;
    to.uses_.push_back(user);
  }
}

void Graph::replace_input(Node& node, std::size_t i, Value& value) {
  Value*& input = node.inputs_.at(i);
  ENGINE_CHECK(input->type() == value.type(), "an operand is replaced by one of another type");
  drop_use(*input, node);
  input = &value;
  value.uses_.push_back(&node);
}

void Graph::erase(Node& node) {
  for (std::size_t i = 0; i < node.output_count(); ++i)
    ENGINE_CHECK(node.output(i)->uses().empty(), "a node in use is erased: " + node.label());
  for (Value* input : node.inputs_) drop_use(*input, node);
  const Position position = positions_.at(&node);
  positions_.erase(&node);
  nodes_.erase(position);
}

std::unordered_map<const Node*, int> Graph::schedule() const {
  std::unordered_map<const Node*, int> order;
  for (const auto& node : nodes_) order.emplace(node.get(), static_cast<int>(order.size()));
  return order;
}

std::string Graph::to_string() const {
  std::string text = fmt::format("graph {} {{\n", name_);
  for (const auto& node : nodes_) {
    std::string outputs, operands, types;
    for (std::size_t i = 0; i < node->output_count(); ++i) {
      const int source = node->in_place()[i];
      outputs += (i ? ", " : "") + node->output(i)->name();
      types += (i ? ", " : "") + node->output(i)->type().to_string();
      if (source != kNotInPlace)
        types += fmt::format(" in {}", node->input(static_cast<std::size_t>(source))->name());
    }
    for (const Value* input : node->inputs())
      operands += (operands.empty() ? "" : ", ") + input->name();
    text += fmt::format("  {}{}{}", outputs, outputs.empty() ? "" : " = ", node->op().name());
    if (!node->op().attributes().empty()) text += " {" + node->op().attributes().to_string() + "}";
    text += fmt::format(" ({}){}{}  // {}\n", operands, types.empty() ? "" : " : ", types,
                        node->label());
  }
  return text + "}\n";
}

}  // namespace engine::graph
