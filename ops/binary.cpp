#include "ops/binary.h"

#include <fmt/format.h>

#include "kernels/binary.h"
#include "ops/elementwise.h"
#include "ops/expect.h"
#include "ops/reduce.h"
#include "ops/registry.h"

namespace engine::ops {
namespace {

using graph::GradientContext;
using graph::Node;
using graph::Op;
using graph::Value;

// The gradient of an operand, in the shape of the result; emitted when it is asked for.
class Emitter {
 public:
  explicit Emitter(const GradientContext& context)
      : context_(context), label_(context.node.label() + "/gradient") {}

  Value* operator()(const OpPointer& op, Value* a, Value* b) const {
    return context_.graph.apply(op, {a, b}, label_);
  }
  Value* negated(Value* value) const { return context_.graph.apply(negate(), {value}, label_); }
  Value* dy() const { return context_.output_gradients[0]; }
  Value* a() const { return context_.node.input(0); }
  Value* b() const { return context_.node.input(1); }
  Value* y() const { return context_.node.output(); }

  // Summed over the axes along which operand `i` was repeated.
  Value* summed(Value* gradient, std::size_t i) const {
    return sum_to_shape(context_.graph, gradient, context_.node.input(i)->type().shape, label_);
  }

 private:
  const GradientContext& context_;
  std::string label_;
};

using Rule = Value* (*)(const Emitter& emit);
struct Rules {
  Rule a, b;  ///< null: no gradient
};

class BinaryOp final : public Op {
 public:
  BinaryOp(std::string_view name, Rules rules) : Op(std::string(name)), rules_(rules) {}

  std::vector<TensorType> infer(std::span<const TensorType> inputs) const override {
    expect_count(inputs, 2);
    if (inputs[0].dtype == DType::bf16 || inputs[0].layout != Layout::row_major) {
      expect_real(inputs[0], inputs[0].shape.rank(), "the first operand");
      expect(inputs[1], inputs[0], "the second operand");
      return {inputs[0]};
    }
    expect_real(inputs[0], inputs[0].shape.rank(), "the first operand");
    expect(inputs[1], DType::f32, inputs[1].shape.rank(), "the second operand");
    return {{broadcast_shape(inputs[0].shape, inputs[1].shape), DType::f32}};
  }
  std::vector<Value*> gradient(const GradientContext& context) const override {
    if (rules_.a == nullptr) return Op::gradient(context);
    const Emitter emit(context);
    std::vector<Value*> gradients(2, nullptr);
    if (context.needed[0]) gradients[0] = emit.summed(rules_.a(emit), 0);
    if (context.needed[1]) gradients[1] = emit.summed(rules_.b(emit), 1);
    return gradients;
  }
  bool any_layout(std::size_t) const override { return true; }
  std::vector<std::pair<std::size_t, std::size_t>> in_place_pairs(const Node& node) const override {
    std::vector<std::pair<std::size_t, std::size_t>> pairs;
    for (std::size_t i = 0; i < 2; ++i)
      if (node.input(i)->type() == node.output()->type()) pairs.emplace_back(0, i);
    return pairs;
  }
  double flops(const Node& node) const override { return elements(node.output()); }

 private:
  Rules rules_;
};

OpPointer make(std::string_view name, Rules rules = {nullptr, nullptr}) {
  return std::make_shared<BinaryOp>(name, rules);
}

Value* pass(const Emitter& emit) {
  return emit.dy();
}

// dy where `op` of two operands holds, 0 elsewhere.
Value* masked(const Emitter& emit, const OpPointer& op, Value* a, Value* b) {
  return emit(multiply(), emit.dy(), emit(op, a, b));
}

// What operand `i` repeats, if the node can read that instead and its result stays the same; else
// nullptr.
Value* repeated(const Node& node, std::size_t i) {
  const Node& producer = node.input(i)->producer();
  if (producer.op().name() != "broadcast") return nullptr;
  Value* value = producer.input(0);
  const bool same = value->type().dtype == DType::f32 &&
                    broadcast_shape(value->type().shape, node.input(1 - i)->type().shape) ==
                        node.output()->type().shape;
  return same ? value : nullptr;
}

// An operand that is repeated is so while it is read.
std::vector<std::string> fold_broadcasts(graph::Graph& graph) {
  std::vector<Node*> nodes;
  for (const auto& node : graph.nodes())
    if (dynamic_cast<const BinaryOp*>(&node->op()) != nullptr) nodes.push_back(node.get());
  std::vector<std::string> rewrites;
  for (Node* node : nodes)
    for (std::size_t i = 0; i < 2; ++i) {
      Value* value = repeated(*node, i);
      if (value == nullptr) continue;
      Node& broadcast = node->input(i)->producer();
      std::vector<Value*> inputs = node->inputs();
      inputs[i] = value;
      Node& folded = graph.insert_before(*node, node->shared_op(), inputs, node->label());
      rewrites.push_back(
          fmt::format("'{}' repeats '{}' itself", node->label(), value->producer().label()));
      graph.replace_uses(*node->output(), *folded.output());
      graph.erase(*node);
      if (broadcast.output()->uses().empty()) graph.erase(broadcast);
      node = &folded;
    }
  return rewrites;
}

}  // namespace

OpPointer add() {
  return make(binary::add::name, {pass, pass});
}

OpPointer subtract() {
  return make(binary::subtract::name,
              {pass, [](const Emitter& emit) { return emit.negated(emit.dy()); }});
}

OpPointer multiply() {
  return make(binary::multiply::name,
              {[](const Emitter& emit) { return emit(multiply(), emit.dy(), emit.b()); },
               [](const Emitter& emit) { return emit(multiply(), emit.dy(), emit.a()); }});
}

// d(a/b)/db = -(a/b)/b.
OpPointer divide() {
  return make(binary::divide::name,
              {[](const Emitter& emit) { return emit(divide(), emit.dy(), emit.b()); },
               [](const Emitter& emit) {
                 Value* quotient = emit(divide(), emit.dy(), emit.b());
                 return emit.negated(emit(multiply(), quotient, emit.y()));
               }});
}

OpPointer maximum() {
  return make(
      binary::maximum::name,
      {[](const Emitter& emit) { return masked(emit, greater_equal(), emit.a(), emit.b()); },
       [](const Emitter& emit) { return masked(emit, less(), emit.a(), emit.b()); }});
}

OpPointer minimum() {
  return make(
      binary::minimum::name,
      {[](const Emitter& emit) { return masked(emit, greater_equal(), emit.b(), emit.a()); },
       [](const Emitter& emit) { return masked(emit, less(), emit.b(), emit.a()); }});
}

OpPointer greater_equal() {
  return make(binary::greater_equal::name);
}

OpPointer less() {
  return make(binary::less::name);
}

}  // namespace engine::ops

namespace engine {

void register_binary_op(OpRegistry& registry) {
  registry.passes.add({"fold-broadcasts", "repeat operands of element-wise functions on the way",
                       graph::Stage::step, 50, ops::fold_broadcasts});
}

}  // namespace engine
