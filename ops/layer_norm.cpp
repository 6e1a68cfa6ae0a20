// What layer_norm means. Mean and inverse deviation are kept for its gradients; an objective may
// not depend on them.
#include "ops/layer_norm.h"

#include <fmt/format.h>

#include "kernels/layer_norm.h"
#include "ops/expect.h"

namespace engine::ops {
namespace {

using graph::GradientContext;
using graph::Node;
using graph::Op;
using graph::Value;

// Throws unless x has rows to normalize.
void expect_rows(const TensorType& x, std::string_view what) {
  if (x.dtype != DType::f32 || x.shape.rank() == 0 || x.shape[-1] == 0)
    throw ShapeError(
        fmt::format("{} is {}, expected f32 of rank 1 or more with features", what, x.to_string()));
}
TensorType features(const TensorType& x) {
  return {{x.shape[-1]}, DType::f32};
}
TensorType rows(const TensorType& x) {
  return {{LayerNormExtents::of(x).rows}, DType::f32};
}

class LayerNormOp final : public Op {
 public:
  explicit LayerNormOp(const NormalizationAttributes& attributes)
      : Op("layer_norm", attributes.to_attributes()) {}
  std::vector<TensorType> infer(std::span<const TensorType> inputs) const override {
    expect_count(inputs, 3);
    expect_rows(inputs[0], "the input");
    expect(inputs[1], features(inputs[0]), "gamma");
    expect(inputs[2], features(inputs[0]), "beta");
    return {inputs[0], rows(inputs[0]), rows(inputs[0])};
  }
  std::vector<Value*> gradient(const GradientContext& context) const override {
    const Node& node = context.node;
    Value* dy = context.output_gradients[0];
    Value *x = node.input(0), *mean = node.output(1), *inverse = node.output(2);
    std::vector<Value*> gradients(3, nullptr);
    if (context.needed[1] || context.needed[2]) {
      Node& parameters = context.graph.add(layer_norm_parameter_gradient(), {dy, x, mean, inverse},
                                           node.label() + "/parameter_gradient");
      gradients[1] = parameters.output(0);
      gradients[2] = parameters.output(1);
    }
    if (context.needed[0])
      gradients[0] =
          context.graph.apply(layer_norm_input_gradient(), {dy, x, node.input(1), mean, inverse},
                              node.label() + "/input_gradient");
    return gradients;
  }
  bool differentiable(std::size_t output) const override { return output == 0; }
  std::vector<std::pair<std::size_t, std::size_t>> in_place_pairs(const Node&) const override {
    return {{0, 0}};
  }
  double flops(const Node& node) const override { return 8.0 * elements(node.input(0)); }
};

class LayerNormInputGradientOp final : public Op {
 public:
  LayerNormInputGradientOp() : Op("layer_norm_input_gradient") {}
  std::vector<TensorType> infer(std::span<const TensorType> inputs) const override {
    expect_count(inputs, 5);
    expect_rows(inputs[0], "the output gradient");
    expect(inputs[1], inputs[0], "the input");
    expect(inputs[2], features(inputs[0]), "gamma");
    expect(inputs[3], rows(inputs[0]), "the mean");
    expect(inputs[4], rows(inputs[0]), "the inverse deviation");
    return {inputs[0]};
  }
  std::vector<std::pair<std::size_t, std::size_t>> in_place_pairs(const Node&) const override {
    return {{0, 0}, {0, 1}};
  }
  double flops(const Node& node) const override { return 12.0 * elements(node.input(0)); }
};

class LayerNormParameterGradientOp final : public Op {
 public:
  LayerNormParameterGradientOp() : Op("layer_norm_parameter_gradient") {}
  std::vector<TensorType> infer(std::span<const TensorType> inputs) const override {
    expect_count(inputs, 4);
    expect_rows(inputs[0], "the output gradient");
    expect(inputs[1], inputs[0], "the input");
    expect(inputs[2], rows(inputs[0]), "the mean");
    expect(inputs[3], rows(inputs[0]), "the inverse deviation");
    return {features(inputs[0]), features(inputs[0])};
  }
  double flops(const Node& node) const override { return 5.0 * elements(node.input(0)); }
};

}  // namespace

std::shared_ptr<const Op> layer_norm(double epsilon) {
  return std::make_shared<LayerNormOp>(checked_normalization(epsilon));
}
std::shared_ptr<const Op> layer_norm_input_gradient() {
  return std::make_shared<LayerNormInputGradientOp>();
}
std::shared_ptr<const Op> layer_norm_parameter_gradient() {
  return std::make_shared<LayerNormParameterGradientOp>();
}

}  // namespace engine::ops
