#include "ops/mean_loss.h"

#include "ops/expect.h"

namespace engine::ops {
namespace {

using graph::GradientContext;
using graph::Node;
using graph::Op;
using graph::Value;

void expect_prediction_and_target(const MeanLoss& loss, std::span<const TensorType> inputs) {
  expect(inputs[0], DType::f32, inputs[0].shape.rank(), loss.prediction);
  expect(inputs[1], inputs[0], loss.target);
}

class MeanLossOp final : public Op {
 public:
  MeanLossOp(const MeanLoss& loss, const Attributes& attributes)
      : Op(std::string(loss.name), attributes), loss_(loss) {}
  std::vector<TensorType> infer(std::span<const TensorType> inputs) const override {
    expect_count(inputs, 2);
    expect_prediction_and_target(loss_, inputs);
    return {{{}, DType::f32}};
  }
  std::vector<Value*> gradient(const GradientContext& context) const override {
    const Node& node = context.node;
    if (!loss_.symmetric) expect_data(context, 1, loss_.target);
    const auto of = [&](std::size_t wanted, const char* label) -> Value* {
      if (!context.needed[wanted]) return nullptr;
      return context.graph.apply(
          mean_loss_gradient(loss_, attributes()),
          {node.input(wanted), node.input(1 - wanted), context.output_gradients[0]},
          node.label() + label);
    };
    return {of(0, "/gradient"), loss_.symmetric ? of(1, "/target_gradient") : nullptr};
  }
  double flops(const Node& node) const override { return loss_.flops * elements(node.input(0)); }

 private:
  MeanLoss loss_;
};

class MeanLossGradientOp final : public Op {
 public:
  MeanLossGradientOp(const MeanLoss& loss, const Attributes& attributes)
      : Op(std::string(loss.name) + "_gradient", attributes), loss_(loss) {}
  std::vector<TensorType> infer(std::span<const TensorType> inputs) const override {
    expect_count(inputs, 3);
    expect_prediction_and_target(loss_, inputs);
    expect(inputs[2], {{}, DType::f32}, "the loss gradient");
    return {inputs[0]};
  }
  std::vector<std::pair<std::size_t, std::size_t>> in_place_pairs(const Node&) const override {
    return {{0, 0}, {0, 1}};
  }
  double flops(const Node& node) const override {
    return loss_.gradient_flops * elements(node.output());
  }

 private:
  MeanLoss loss_;
};

}  // namespace

std::shared_ptr<const Op> mean_loss(const MeanLoss& loss, const Attributes& attributes) {
  return std::make_shared<MeanLossOp>(loss, attributes);
}
std::shared_ptr<const Op> mean_loss_gradient(const MeanLoss& loss, const Attributes& attributes) {
  return std::make_shared<MeanLossGradientOp>(loss, attributes);
}

}  // namespace engine::ops
