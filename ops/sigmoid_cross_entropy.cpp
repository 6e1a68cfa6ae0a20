#include "ops/sigmoid_cross_entropy.h"

#include "ops/expect.h"

namespace engine::ops {
namespace {

using graph::GradientContext;
using graph::Node;
using graph::Op;
using graph::Value;

void expect_logits_and_targets(std::span<const TensorType> inputs) {
  expect(inputs[0], DType::f32, inputs[0].shape.rank(), "the logits");
  expect(inputs[1], inputs[0], "the targets");
}

class SigmoidCrossEntropyOp final : public Op {
 public:
  SigmoidCrossEntropyOp() : Op("sigmoid_cross_entropy") {}
  std::vector<TensorType> infer(std::span<const TensorType> inputs) const override {
    expect_count(inputs, 2);
    expect_logits_and_targets(inputs);
    return {{{}, DType::f32}};
  }
  std::vector<Value*> gradient(const GradientContext& context) const override {
    const Node& node = context.node;
    expect_data(context, 1, "the targets");
    return {context.graph.apply(sigmoid_cross_entropy_gradient(),
                                {node.input(0), node.input(1), context.output_gradients[0]},
                                node.label() + "/gradient"),
            nullptr};
  }
  // Product, exponential, logarithm and three sums.
  double flops(const Node& node) const override { return 6.0 * elements(node.input(0)); }
};

class SigmoidCrossEntropyGradientOp final : public Op {
 public:
  SigmoidCrossEntropyGradientOp() : Op("sigmoid_cross_entropy_gradient") {}
  std::vector<TensorType> infer(std::span<const TensorType> inputs) const override {
    expect_count(inputs, 3);
    expect_logits_and_targets(inputs);
    expect(inputs[2], {{}, DType::f32}, "the loss gradient");
    return {inputs[0]};
  }
  std::vector<std::pair<std::size_t, std::size_t>> in_place_pairs(const Node&) const override {
    return {{0, 0}, {0, 1}};
  }
  // Exponential, sum, quotient, difference and product.
  double flops(const Node& node) const override { return 5.0 * elements(node.output()); }
};

}  // namespace

std::shared_ptr<const Op> sigmoid_cross_entropy() {
  return std::make_shared<SigmoidCrossEntropyOp>();
}
std::shared_ptr<const Op> sigmoid_cross_entropy_gradient() {
  return std::make_shared<SigmoidCrossEntropyGradientOp>();
}

}  // namespace engine::ops
