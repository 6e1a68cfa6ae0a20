// What dense means, and the rewrite that folds a following ReLU and drop-out into its epilogue.
#include "ops/dense.h"

#include <fmt/format.h>

#include "ops/cast.h"
#include "ops/dropout.h"
#include "ops/elementwise.h"
#include "ops/expect.h"
#include "ops/registry.h"

namespace engine::ops {
namespace {

using graph::GradientContext;
using graph::Node;
using graph::Op;
using graph::Value;

class DenseOp final : public Op {
 public:
  explicit DenseOp(const DenseAttributes& attributes)
      : Op("dense", attributes.to_attributes()), epilogue_(attributes) {}

  const DenseAttributes& epilogue() const { return epilogue_; }

  std::vector<TensorType> infer(std::span<const TensorType> inputs) const override {
    expect_count(inputs, epilogue_.dropout.rate > 0 ? 4 : 3);
    expect_real(inputs[0], 2, "the input");
    expect(inputs[1], DType::f32, 2, "the weight");
    if (inputs[0].dtype == DType::f32 && epilogue_.output != DType::f32)
      throw ShapeError(fmt::format("the input is {}, expected bf16 for a result of {}",
                                   inputs[0].to_string(), dtype_name(epilogue_.output)));
    if (inputs[0].shape[1] != inputs[1].shape[0])
      throw ShapeError(fmt::format("the input is {} and the weight {}: {} features against {}",
                                   inputs[0].to_string(), inputs[1].to_string(), inputs[0].shape[1],
                                   inputs[1].shape[0]));
    expect(inputs[2], {{inputs[1].shape[1]}, DType::f32}, "the bias");
    if (epilogue_.dropout.rate > 0) expect(inputs[3], {{}, DType::i64}, "the step");
    return {{{inputs[0].shape[0], inputs[1].shape[1]}, epilogue_.output}};
  }

  std::vector<Value*> gradient(const GradientContext& context) const override {
    const Node& node = context.node;
    Value* dz = epilogue_gradient(context);
    const DType operands = node.input(0)->type().dtype;
    if (dz->type().dtype != operands)
      dz = context.graph.apply(cast(operands), {dz}, node.label() + "/output_gradient");
    std::vector<Value*> gradients(node.inputs().size(), nullptr);
    if (context.needed[1] || context.needed[2]) {
      Node& weights = context.graph.add(dense_weight_gradient(), {node.input(0), dz},
                                        node.label() + "/weight_gradient");
      gradients[1] = weights.output(0);
      gradients[2] = weights.output(1);
    }
    if (context.needed[0])
      gradients[0] = context.graph.apply(dense_input_gradient(), {dz, node.input(1)},
                                         node.label() + "/input_gradient");
    return gradients;
  }

  double flops(const Node& node) const override {
    return 2.0 * static_cast<double>(node.input(0)->type().element_count()) *
           static_cast<double>(node.output()->type().shape[1]);
  }

 private:
  // The gradient at the product's output. After a ReLU, y > 0 is the mask of the ReLU and of a
  // drop-out behind it in one.
  Value* epilogue_gradient(const GradientContext& context) const {
    const Node& node = context.node;
    Value* dy = context.output_gradients[0];
    const std::string label = node.label() + "/epilogue_gradient";
    const bool drops = epilogue_.dropout.rate > 0;
    if (epilogue_.activation == Activation::relu)
      return context.graph.apply(relu_gradient(drops ? epilogue_.dropout.scale() : 1.0),
                                 {dy, node.output()}, label);
    if (drops) return context.graph.apply(dropout(epilogue_.dropout), {dy, node.input(3)}, label);
    return dy;
  }

  DenseAttributes epilogue_;
};

class DenseInputGradientOp final : public Op {
 public:
  DenseInputGradientOp() : Op("dense_input_gradient") {}
  std::vector<TensorType> infer(std::span<const TensorType> inputs) const override {
    expect_count(inputs, 2);
    expect_real(inputs[0], 2, "the output gradient");
    expect(inputs[1], DType::f32, 2, "the weight");
    const DType dtype = inputs[0].dtype;
    expect(inputs[0], {{inputs[0].shape[0], inputs[1].shape[1]}, dtype}, "the output gradient");
    return {{{inputs[0].shape[0], inputs[1].shape[0]}, dtype}};
  }
  double flops(const Node& node) const override {
    return 2.0 * static_cast<double>(node.input(0)->type().element_count()) *
           static_cast<double>(node.output()->type().shape[1]);
  }
};

class DenseWeightGradientOp final : public Op {
 public:
  DenseWeightGradientOp() : Op("dense_weight_gradient") {}
  std::vector<TensorType> infer(std::span<const TensorType> inputs) const override {
    expect_count(inputs, 2);
    expect_real(inputs[0], 2, "the input");
    expect_real(inputs[1], 2, "the output gradient");
    expect(inputs[1], {{inputs[0].shape[0], inputs[1].shape[1]}, inputs[0].dtype},
           "the output gradient");
    return {{{inputs[0].shape[1], inputs[1].shape[1]}, DType::f32},
            {{inputs[1].shape[1]}, DType::f32}};
  }
  double flops(const Node& node) const override {
    return 2.0 * static_cast<double>(node.input(0)->type().element_count()) *
           static_cast<double>(node.input(1)->type().shape[1]);
  }
};

// The epilogue of `node` with `next` folded in, if that is possible.
bool extend(DenseAttributes& epilogue, const Node& next) {
  if (epilogue.dropout.rate > 0) return false;
  if (next.op().name() == "relu" && epilogue.activation == Activation::none) {
    epilogue.activation = Activation::relu;
    return true;
  }
  if (next.op().name() == "dropout") {
    epilogue.dropout = DropoutAttributes::from(next.op().attributes());
    return true;
  }
  return false;
}

// Replaces dense followed by its only reader `next` with one dense.
Node& fuse(graph::Graph& graph, Node& node, Node& next, const DenseAttributes& epilogue) {
  std::vector<Value*> inputs = node.inputs();
  if (epilogue.dropout.rate > 0) inputs.push_back(next.input(1));
  Node& fused = graph.insert_before(next, dense(epilogue), inputs, node.label());
  graph.replace_uses(*next.output(), *fused.output());
  graph.erase(next);
  graph.erase(node);
  return fused;
}

std::vector<std::string> fuse_epilogues(graph::Graph& graph) {
  std::vector<Node*> starts;
  for (const auto& node : graph.nodes())
    if (node->op().name() == "dense") starts.push_back(node.get());
  std::vector<std::string> rewrites;
  for (Node* node : starts) {
    auto epilogue = static_cast<const DenseOp&>(node->op()).epilogue();
    while (node->output()->uses().size() == 1) {
      Node& next = *node->output()->uses().front();
      if (!extend(epilogue, next)) break;
      rewrites.push_back(fmt::format("'{}' takes in the {} of '{}'", node->label(),
                                     next.op().name(), next.label()));
      node = &fuse(graph, *node, next, epilogue);
    }
  }
  return rewrites;
}

}  // namespace

std::shared_ptr<const Op> dense(const DenseAttributes& attributes) {
  return std::make_shared<DenseOp>(attributes);
}
std::shared_ptr<const Op> dense_input_gradient() {
  return std::make_shared<DenseInputGradientOp>();
}
std::shared_ptr<const Op> dense_weight_gradient() {
  return std::make_shared<DenseWeightGradientOp>();
}

}  // namespace engine::ops

namespace engine {

void register_dense_op(OpRegistry& registry) {
  registry.passes.add({"fuse-dense-epilogue", "fold ReLU and drop-out into the product before them",
                       graph::Stage::forward, 0, ops::fuse_epilogues});
}

}  // namespace engine
