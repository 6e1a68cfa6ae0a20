#include "ops/relu.h"

#include "ops/expect.h"

namespace engine::ops {
namespace {

using graph::GradientContext;
using graph::Node;
using graph::Op;
using graph::Value;

class ReluOp final : public Op {
 public:
  ReluOp() : Op("relu") {}
  std::vector<TensorType> infer(std::span<const TensorType> inputs) const override {
    expect_count(inputs, 1);
    expect(inputs[0], DType::f32, inputs[0].shape.rank(), "the input");
    return {inputs[0]};
  }
  std::vector<Value*> gradient(const GradientContext& context) const override {
    return {context.graph.apply(relu_gradient(),
                                {context.output_gradients[0], context.node.output()},
                                context.node.label() + "/gradient")};
  }
  std::vector<std::pair<std::size_t, std::size_t>> in_place_pairs(const Node&) const override {
    return {{0, 0}};
  }
};

class ReluGradientOp final : public Op {
 public:
  explicit ReluGradientOp(double scale) : Op("relu_gradient", Attributes().set("scale", scale)) {}
  std::vector<TensorType> infer(std::span<const TensorType> inputs) const override {
    expect_count(inputs, 2);
    expect(inputs[0], DType::f32, inputs[0].shape.rank(), "the output gradient");
    expect(inputs[1], inputs[0], "the output");
    return {inputs[0]};
  }
  std::vector<std::pair<std::size_t, std::size_t>> in_place_pairs(const Node&) const override {
    return {{0, 0}};
  }
};

}  // namespace

std::shared_ptr<const Op> relu() {
  return std::make_shared<ReluOp>();
}
std::shared_ptr<const Op> relu_gradient(double scale) {
  return std::make_shared<ReluGradientOp>(scale);
}

}  // namespace engine::ops
