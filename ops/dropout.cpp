#include "ops/dropout.h"

#include <fmt/format.h>

#include "ops/expect.h"

namespace engine::ops {
namespace {

using graph::GradientContext;
using graph::Node;
using graph::Op;
using graph::Value;

Attributes print(const DropoutAttributes& dropout) {
  Attributes attributes;
  dropout.add_to(attributes);
  return attributes;
}

class DropoutOp final : public Op {
 public:
  explicit DropoutOp(const DropoutAttributes& attributes) : Op("dropout", print(attributes)) {}
  std::vector<TensorType> infer(std::span<const TensorType> inputs) const override {
    expect_count(inputs, 2);
    expect_real(inputs[0], inputs[0].shape.rank(), "the input");
    expect(inputs[1], {{}, DType::i64}, "the step");
    return {inputs[0]};
  }
  // Linear with a mask that depends on key and step alone: the gradient is the op itself.
  std::vector<Value*> gradient(const GradientContext& context) const override {
    return {context.graph.apply(context.node.shared_op(),
                                {context.output_gradients[0], context.node.input(1)},
                                context.node.label() + "/gradient"),
            nullptr};
  }
  bool any_layout(std::size_t operand) const override { return operand == 0; }
  std::vector<std::pair<std::size_t, std::size_t>> in_place_pairs(const Node&) const override {
    return {{0, 0}};
  }
};

}  // namespace

std::shared_ptr<const Op> dropout(const DropoutAttributes& attributes) {
  if (!(attributes.rate >= 0 && attributes.rate < 1))
    throw UsageError(fmt::format("drop-out rate {} is not in [0, 1)", attributes.rate));
  return std::make_shared<DropoutOp>(attributes);
}

}  // namespace engine::ops
