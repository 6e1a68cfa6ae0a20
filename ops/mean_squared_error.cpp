#include "ops/mean_squared_error.h"

#include "ops/expect.h"

namespace engine::ops {
namespace {

using graph::GradientContext;
using graph::Node;
using graph::Op;
using graph::Value;

void expect_prediction_and_target(std::span<const TensorType> inputs) {
  expect(inputs[0], DType::f32, inputs[0].shape.rank(), "the prediction");
  expect(inputs[1], inputs[0], "the target");
}

class MeanSquaredErrorOp final : public Op {
 public:
  MeanSquaredErrorOp() : Op("mean_squared_error") {}
  std::vector<TensorType> infer(std::span<const TensorType> inputs) const override {
    expect_count(inputs, 2);
    expect_prediction_and_target(inputs);
    return {{{}, DType::f32}};
  }
  std::vector<Value*> gradient(const GradientContext& context) const override {
    const Node& node = context.node;
    const auto of = [&](std::size_t wanted, const char* label) -> Value* {
      if (!context.needed[wanted]) return nullptr;
      return context.graph.apply(
          mean_squared_error_gradient(),
          {node.input(wanted), node.input(1 - wanted), context.output_gradients[0]},
          node.label() + label);
    };
    return {of(0, "/gradient"), of(1, "/target_gradient")};
  }
  double flops(const Node& node) const override { return 3.0 * elements(node.input(0)); }
};

class MeanSquaredErrorGradientOp final : public Op {
 public:
  MeanSquaredErrorGradientOp() : Op("mean_squared_error_gradient") {}
  std::vector<TensorType> infer(std::span<const TensorType> inputs) const override {
    expect_count(inputs, 3);
    expect_prediction_and_target(inputs);
    expect(inputs[2], {{}, DType::f32}, "the loss gradient");
    return {inputs[0]};
  }
  std::vector<std::pair<std::size_t, std::size_t>> in_place_pairs(const Node&) const override {
    return {{0, 0}, {0, 1}};
  }
  double flops(const Node& node) const override { return 2.0 * elements(node.output()); }
};

}  // namespace

std::shared_ptr<const Op> mean_squared_error() {
  return std::make_shared<MeanSquaredErrorOp>();
}
std::shared_ptr<const Op> mean_squared_error_gradient() {
  return std::make_shared<MeanSquaredErrorGradientOp>();
}

}  // namespace engine::ops
