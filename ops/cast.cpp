// What cast means, and the rewrite that makes casts vanish into their neighbours: an op that can
// produce the wanted type itself does, and a value that was widened only to be narrowed again is
// taken as it was.
#include "ops/cast.h"

#include <fmt/format.h>

#include "ops/dense.h"
#include "ops/expect.h"
#include "ops/gather.h"
#include "ops/registry.h"

namespace engine::ops {
namespace {

using graph::GradientContext;
using graph::Graph;
using graph::Node;
using graph::Op;
using graph::Value;

class CastOp final : public Op {
 public:
  explicit CastOp(DType to)
      : Op("cast", Attributes().set("to", std::string(dtype_name(to)))), to_(to) {}

  std::vector<TensorType> infer(std::span<const TensorType> inputs) const override {
    expect_count(inputs, 1);
    const DType from = to_ == DType::f32 ? DType::bf16 : DType::f32;
    TensorType type = inputs[0];
    type.dtype = from;
    expect(inputs[0], type, "the input");
    type.dtype = to_;
    return {type};
  }
  bool any_layout(std::size_t) const override { return true; }
  std::vector<Value*> gradient(const GradientContext& context) const override {
    return {context.graph.apply(cast(context.node.input(0)->type().dtype),
                                {context.output_gradients[0]}, context.node.label() + "/gradient")};
  }

 private:
  DType to_;
};

bool is_cast(const Node& node) {
  return node.op().name() == "cast";
}

// A gather or dense with results of type `to`.
std::shared_ptr<const Op> retyped(const Op& op, DType to) {
  if (op.name() == "gather") return gather_normalized(GatherAttributes::from(op.attributes()), to);
  DenseAttributes attributes = DenseAttributes::from(op.attributes());
  attributes.output = to;
  return dense(attributes);
}

// A rule of the rewrite: what can stand for the cast's result, or nullptr.
using CastRule = Value* (*)(Graph& graph, const Node& cast);

// bf16 -> f32 -> bf16 changes nothing.
Value* undo_widening(Graph&, const Node& cast) {
  const Node& producer = cast.input(0)->producer();
  const bool narrows = cast.output()->type().dtype == DType::bf16;
  return narrows && is_cast(producer) ? producer.input(0) : nullptr;
}

// The op before the cast, asked for the other type; nobody else may read it.
Value* retype_producer(Graph& graph, const Node& cast) {
  Node& producer = cast.input(0)->producer();
  const std::string& op = producer.op().name();
  const DType to = cast.output()->type().dtype;
  const bool can = to == DType::bf16 ? op == "gather" : op == "dense";
  if (!can || cast.input(0)->uses().size() != 1) return nullptr;
  return graph
      .insert_before(producer, retyped(producer.op(), to), producer.inputs(), producer.label())
      .output();
}

void fold(Graph& graph, CastRule rule, std::vector<std::string>& rewrites) {
  std::vector<Node*> casts;
  for (const auto& node : graph.nodes())
    if (is_cast(*node)) casts.push_back(node.get());
  for (Node* cast : casts) {
    Value* result = rule(graph, *cast);
    if (result == nullptr) continue;
    rewrites.push_back(
        fmt::format("'{}' is replaced by '{}'", cast->label(), result->producer().label()));
    Node& producer = cast->input(0)->producer();
    graph.replace_uses(*cast->output(), *result);
    graph.erase(*cast);
    // Its turn has passed: it comes before the cast.
    if (producer.output()->uses().empty()) graph.erase(producer);
  }
}

std::vector<std::string> fold_casts(Graph& graph) {
  std::vector<std::string> rewrites;
  for (CastRule rule : {undo_widening, retype_producer}) fold(graph, rule, rewrites);
  return rewrites;
}

}  // namespace

std::shared_ptr<const Op> cast(DType to) {
  if (to != DType::f32 && to != DType::bf16)
    throw UsageError(fmt::format("a cast to {}, expected f32 or bf16", dtype_name(to)));
  return std::make_shared<CastOp>(to);
}

}  // namespace engine::ops

namespace engine {

void register_cast_op(OpRegistry& registry) {
  registry.passes.add({"fold-casts", "let the op before a cast give the wanted type",
                       graph::Stage::forward, 1, ops::fold_casts});
}

}  // namespace engine
