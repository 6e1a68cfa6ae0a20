// What dense means. ReLU and drop-out behind it are folded into its epilogue.
#include "ops/dense.h"

#include <fmt/format.h>

#include "ops/epilogue.h"
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
    Value* dz = epilogue_gradient(context, epilogue_);
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
    return 2.0 * elements(node.input(0)) * static_cast<double>(node.output()->type().shape[1]);
  }

 private:
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
    return 2.0 * elements(node.input(0)) * static_cast<double>(node.output()->type().shape[1]);
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
    return 2.0 * elements(node.input(0)) * static_cast<double>(node.input(1)->type().shape[1]);
  }
};

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
                       graph::Stage::forward, 0, [](graph::Graph& graph) {
                         return ops::fuse_epilogues(
                             graph, "dense", [](const graph::Op&, const DenseAttributes& epilogue) {
                               return ops::dense(epilogue);
                             });
                       }});
}

}  // namespace engine
