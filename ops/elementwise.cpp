#include "ops/elementwise.h"

#include <string>
#include <utility>

#include "kernels/elementwise.h"
#include "ops/expect.h"

namespace engine::ops {
namespace {

using graph::GradientContext;
using graph::Node;
using graph::Op;
using graph::Value;
using Parameters = engine::elementwise::Parameters<double>;

class ElementwiseGradientOp final : public Op {
 public:
  ElementwiseGradientOp(const ElementwiseFunction& function, Attributes attributes)
      : Op(std::string(function.name) + "_gradient", std::move(attributes)) {}
  std::vector<TensorType> infer(std::span<const TensorType> inputs) const override {
    expect_count(inputs, 2);
    expect_real(inputs[0], inputs[0].shape.rank(), "the output gradient");
    expect(inputs[1], inputs[0], "the saved operand");
    return {inputs[0]};
  }
  std::vector<std::pair<std::size_t, std::size_t>> in_place_pairs(const Node&) const override {
    return {{0, 0}};
  }
  bool any_layout(std::size_t) const override { return true; }
  double flops(const Node& node) const override { return elements(node.output()); }
};

class ElementwiseOp final : public Op {
 public:
  ElementwiseOp(const ElementwiseFunction& function, Attributes attributes)
      : Op(std::string(function.name), std::move(attributes)), reads_(function.reads) {}
  std::vector<TensorType> infer(std::span<const TensorType> inputs) const override {
    expect_count(inputs, 1);
    expect_real(inputs[0], inputs[0].shape.rank(), "the input");
    return {inputs[0]};
  }
  std::vector<Value*> gradient(const GradientContext& context) const override {
    const Node& node = context.node;
    Value* dy = context.output_gradients[0];
    const std::string label = node.label() + "/gradient";
    if (reads_ == Reads::nothing)
      return {context.graph.apply(scale_shift(Parameters::from(attributes()).scale), {dy}, label)};
    Value* saved = reads_ == Reads::x ? node.input(0) : node.output();
    return {context.graph.apply(elementwise_gradient(name(), attributes()), {dy, saved}, label)};
  }
  std::vector<std::pair<std::size_t, std::size_t>> in_place_pairs(const Node&) const override {
    return {{0, 0}};
  }
  bool any_layout(std::size_t) const override { return true; }
  double flops(const Node& node) const override { return elements(node.output()); }

 private:
  Reads reads_;
};

}  // namespace

OpPointer elementwise(std::string_view name, Attributes attributes) {
  return std::make_shared<ElementwiseOp>(find_elementwise_function(name), std::move(attributes));
}

OpPointer elementwise_gradient(std::string_view name, Attributes attributes) {
  const ElementwiseFunction& function = find_elementwise_function(name);
  if (function.reads == Reads::nothing)
    throw UsageError("the gradient of '" + std::string(name) + "' is scale_shift");
  return std::make_shared<ElementwiseGradientOp>(function, std::move(attributes));
}

OpPointer relu() {
  return elementwise("relu");
}
OpPointer relu_gradient(double scale) {
  return elementwise_gradient("relu", Attributes().set("scale", scale));
}
OpPointer leaky_relu(double alpha) {
  return elementwise("leaky_relu", Attributes().set("alpha", alpha));
}
OpPointer elu(double alpha) {
  return elementwise("elu", Attributes().set("alpha", alpha));
}
OpPointer tanh() {
  return elementwise("tanh");
}
OpPointer sigmoid() {
  return elementwise("sigmoid");
}
OpPointer hard_sigmoid() {
  return elementwise("hard_sigmoid");
}
OpPointer softplus() {
  return elementwise("softplus");
}
OpPointer gelu() {
  return elementwise("gelu");
}
OpPointer gelu_tanh() {
  return elementwise("gelu_tanh");
}
OpPointer silu() {
  return elementwise("silu");
}
OpPointer scale_shift(double scale, double shift) {
  return elementwise("scale_shift", Attributes().set("scale", scale).set("shift", shift));
}
OpPointer negate() {
  return scale_shift(-1);
}

}  // namespace engine::ops
