#include "graph/op.h"

#include <fmt/format.h>

#include "engine/core/error.h"

namespace engine::graph {
namespace {

class AddOp final : public Op {
 public:
  AddOp() : Op("add") {}

  std::vector<TensorType> infer(std::span<const TensorType> inputs) const override {
    if (inputs.size() != 2 || inputs[0] != inputs[1] || !is_floating(inputs[0].dtype))
      throw ShapeError("expected two operands of one floating type");
    return {inputs[0]};
  }
  std::vector<Value*> gradient(const GradientContext& context) const override {
    return {context.output_gradients[0], context.output_gradients[0]};
  }
  bool any_layout(std::size_t) const override { return true; }
  std::vector<std::pair<std::size_t, std::size_t>> in_place_pairs(const Node&) const override {
    return {{0, 0}, {0, 1}};
  }
  double flops(const Node& node) const override { return elements(node.output()); }
};

}  // namespace

std::vector<Value*> Op::gradient(const GradientContext& context) const {
  throw UsageError(fmt::format("{}: '{}' has no gradient", context.node.label(), name()));
}

std::size_t Op::bytes(const Node& node) const {
  std::size_t total = 0;
  for (const Value* input : node.inputs()) total += input->type().bytes();
  for (std::size_t i = 0; i < node.output_count(); ++i) total += node.output(i)->type().bytes();
  return total;
}

double elements(const Value* value) {
  return static_cast<double>(value->type().element_count());
}

std::shared_ptr<const Op> make_add() {
  static const std::shared_ptr<const Op> add = std::make_shared<AddOp>();
  return add;
}

Problem make_problem(const Op& op, std::span<const TensorType> inputs) {
  Problem problem;
  problem.op = op.name();
  problem.attributes = op.attributes();
  problem.inputs.assign(inputs.begin(), inputs.end());
  problem.outputs = op.infer(inputs);
  return problem;
}

Problem make_problem(const Node& node) {
  std::vector<TensorType> inputs;
  for (const Value* input : node.inputs()) inputs.push_back(input->type());
  return make_problem(node.op(), inputs);
}

bool is_state_read(const Node& node) {
  return node.op().name() == kStateRead;
}
bool is_state_assign(const Node& node) {
  return node.op().name() == kStateAssign;
}
const std::string& state_name(const Node& node) {
  return node.op().attributes().text("state");
}

}  // namespace engine::graph
