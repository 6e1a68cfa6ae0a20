#include "ops/softmax_cross_entropy.h"

#include "ops/expect.h"

namespace engine::ops {
namespace {

using graph::GradientContext;
using graph::Node;
using graph::Op;
using graph::Value;

void expect_logits_and_labels(std::span<const TensorType> inputs) {
  expect(inputs[0], DType::f32, 2, "the logits");
  expect(inputs[1], {{inputs[0].shape[0]}, DType::i32}, "the labels");
  if (inputs[0].shape[1] == 0) throw ShapeError("the logits have no classes");
}

class SoftmaxCrossEntropyOp final : public Op {
 public:
  SoftmaxCrossEntropyOp() : Op("softmax_cross_entropy") {}
  std::vector<TensorType> infer(std::span<const TensorType> inputs) const override {
    expect_count(inputs, 2);
    expect_logits_and_labels(inputs);
    return {{{}, DType::f32}};
  }
  std::vector<Value*> gradient(const GradientContext& context) const override {
    const Node& node = context.node;
    return {context.graph.apply(softmax_cross_entropy_gradient(),
                                {node.input(0), node.input(1), context.output_gradients[0]},
                                node.label() + "/gradient"),
            nullptr};
  }
};

class SoftmaxCrossEntropyGradientOp final : public Op {
 public:
  SoftmaxCrossEntropyGradientOp() : Op("softmax_cross_entropy_gradient") {}
  std::vector<TensorType> infer(std::span<const TensorType> inputs) const override {
    expect_count(inputs, 3);
    expect_logits_and_labels(inputs);
    expect(inputs[2], {{}, DType::f32}, "the loss gradient");
    return {inputs[0]};
  }
  std::vector<std::pair<std::size_t, std::size_t>> in_place_pairs(const Node&) const override {
    return {{0, 0}};
  }
};

}  // namespace

std::shared_ptr<const Op> softmax_cross_entropy() {
  return std::make_shared<SoftmaxCrossEntropyOp>();
}
std::shared_ptr<const Op> softmax_cross_entropy_gradient() {
  return std::make_shared<SoftmaxCrossEntropyGradientOp>();
}

}  // namespace engine::ops
