// What batch_norm means. An objective may depend on y alone, not on the statistics of the batch.
#include "ops/batch_norm.h"

#include <fmt/format.h>

#include "kernels/batch_norm.h"
#include "ops/expect.h"

namespace engine::ops {
namespace {

using graph::GradientContext;
using graph::Node;
using graph::Op;
using graph::Value;
using InPlacePairs = std::vector<std::pair<std::size_t, std::size_t>>;

void expect_channels(const TensorType& x, std::string_view what) {
  if (x.dtype != DType::f32 || x.shape.rank() < 2)
    throw ShapeError(
        fmt::format("{} is {}, expected f32[batch, channels, ...]", what, x.to_string()));
}
TensorType channels(const TensorType& x) {
  return {{x.shape[1]}, DType::f32};
}
// The operands from `first` on are one number a channel each.
void expect_per_channel(std::span<const TensorType> inputs, std::size_t first,
                        std::initializer_list<std::string_view> names) {
  for (std::string_view name : names) expect(inputs[first++], channels(inputs[0]), name);
}

class BatchNormOp final : public Op {
 public:
  explicit BatchNormOp(double epsilon)
      : Op("batch_norm", checked_normalization(epsilon).to_attributes()) {}
  std::vector<TensorType> infer(std::span<const TensorType> inputs) const override {
    expect_count(inputs, 3);
    expect_channels(inputs[0], "the input");
    expect_per_channel(inputs, 1, {"gamma", "beta"});
    return {inputs[0], channels(inputs[0]), channels(inputs[0])};
  }
  std::vector<Value*> gradient(const GradientContext& context) const override {
    const Node& node = context.node;
    const Node& emitted = context.graph.add(
        batch_norm_gradient(attributes().real("epsilon")),
        {context.output_gradients[0], node.input(0), node.input(1), node.output(1), node.output(2)},
        node.label() + "/gradient");
    return {emitted.output(0), emitted.output(1), emitted.output(2)};
  }
  bool differentiable(std::size_t output) const override { return output == 0; }
  bool any_layout(std::size_t operand) const override { return operand == 0; }
  InPlacePairs in_place_pairs(const Node&) const override { return {{0, 0}}; }
  double flops(const Node& node) const override { return 8.0 * elements(node.input(0)); }
};

class BatchNormGradientOp final : public Op {
 public:
  explicit BatchNormGradientOp(double epsilon)
      : Op("batch_norm_gradient", checked_normalization(epsilon).to_attributes()) {}
  std::vector<TensorType> infer(std::span<const TensorType> inputs) const override {
    expect_count(inputs, 5);
    expect_channels(inputs[0], "the output gradient");
    expect(inputs[1], inputs[0], "the input");
    expect_per_channel(inputs, 2, {"gamma", "the mean", "the variance"});
    return {inputs[0], channels(inputs[0]), channels(inputs[0])};
  }
  bool any_layout(std::size_t operand) const override { return operand < 2; }
  InPlacePairs in_place_pairs(const Node&) const override { return {{0, 0}, {0, 1}}; }
  double flops(const Node& node) const override { return 11.0 * elements(node.input(0)); }
};

class BatchNormInferenceOp final : public Op {
 public:
  explicit BatchNormInferenceOp(double epsilon)
      : Op("batch_norm_inference", checked_normalization(epsilon).to_attributes()) {}
  std::vector<TensorType> infer(std::span<const TensorType> inputs) const override {
    expect_count(inputs, 5);
    expect_channels(inputs[0], "the input");
    expect_per_channel(inputs, 1, {"gamma", "beta", "the running mean", "the running variance"});
    return {inputs[0]};
  }
  // The gradients of gamma and beta are those of training with these statistics; dx is not.
  std::vector<Value*> gradient(const GradientContext& context) const override {
    const Node& node = context.node;
    expect_data(context, 3, "the running statistics");
    expect_data(context, 4, "the running statistics");
    const double epsilon = attributes().real("epsilon");
    Value *dy = context.output_gradients[0], *gamma = node.input(1), *variance = node.input(4);
    std::vector<Value*> gradients(5, nullptr);
    if (context.needed[0])
      gradients[0] = context.graph.apply(batch_norm_inference_gradient(epsilon),
                                         {dy, gamma, variance}, node.label() + "/input_gradient");
    if (context.needed[1] || context.needed[2]) {
      const Node& emitted = context.graph.add(batch_norm_gradient(epsilon),
                                              {dy, node.input(0), gamma, node.input(3), variance},
                                              node.label() + "/parameter_gradient");
      gradients[1] = emitted.output(1);
      gradients[2] = emitted.output(2);
    }
    return gradients;
  }
  bool any_layout(std::size_t operand) const override { return operand == 0; }
  InPlacePairs in_place_pairs(const Node&) const override { return {{0, 0}}; }
  double flops(const Node& node) const override { return 4.0 * elements(node.input(0)); }
};

class BatchNormInferenceGradientOp final : public Op {
 public:
  explicit BatchNormInferenceGradientOp(double epsilon)
      : Op("batch_norm_inference_gradient", checked_normalization(epsilon).to_attributes()) {}
  std::vector<TensorType> infer(std::span<const TensorType> inputs) const override {
    expect_count(inputs, 3);
    expect_channels(inputs[0], "the output gradient");
    expect_per_channel(inputs, 1, {"gamma", "the running variance"});
    return {inputs[0]};
  }
  bool any_layout(std::size_t operand) const override { return operand == 0; }
  InPlacePairs in_place_pairs(const Node&) const override { return {{0, 0}}; }
  double flops(const Node& node) const override { return elements(node.input(0)); }
};

}  // namespace

std::shared_ptr<const Op> batch_norm(double epsilon) {
  return std::make_shared<BatchNormOp>(epsilon);
}
std::shared_ptr<const Op> batch_norm_gradient(double epsilon) {
  return std::make_shared<BatchNormGradientOp>(epsilon);
}
std::shared_ptr<const Op> batch_norm_inference(double epsilon) {
  return std::make_shared<BatchNormInferenceOp>(epsilon);
}
std::shared_ptr<const Op> batch_norm_inference_gradient(double epsilon) {
  return std::make_shared<BatchNormInferenceGradientOp>(epsilon);
}

}  // namespace engine::ops
