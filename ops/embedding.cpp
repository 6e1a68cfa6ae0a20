#include "ops/embedding.h"

#include <fmt/format.h>

#include <vector>

#include "kernels/embedding.h"
#include "ops/expect.h"

namespace engine::ops {
namespace {

using graph::GradientContext;
using graph::Node;
using graph::Op;
using graph::Value;

void expect_tokens(const TensorType& tokens) {
  if (tokens.dtype != DType::i32 || tokens.shape.rank() < 1)
    throw ShapeError(
        fmt::format("the tokens are {}, expected i32 of rank 1 or more", tokens.to_string()));
}

// [tokens..., width].
Shape embedded(const Shape& tokens, std::int64_t width) {
  std::vector<std::int64_t> extents(tokens.extents().begin(), tokens.extents().end());
  extents.push_back(width);
  return Shape(extents);
}

class EmbeddingOp final : public Op {
 public:
  explicit EmbeddingOp(DType output)
      : Op("embedding", Attributes().set("to", std::string(dtype_name(output)))), output_(output) {}

  std::vector<TensorType> infer(std::span<const TensorType> inputs) const override {
    expect_count(inputs, 2);
    expect(inputs[0], DType::f32, 2, "the table");
    expect_tokens(inputs[1]);
    return {{embedded(inputs[1].shape, inputs[0].shape[1]), output_}};
  }
  std::vector<Value*> gradient(const GradientContext& context) const override {
    std::vector<Value*> gradients(2, nullptr);
    if (context.needed[0])
      gradients[0] = context.graph.apply(embedding_gradient(context.node.input(0)->type().shape[0]),
                                         {context.output_gradients[0], context.node.input(1)},
                                         context.node.label() + "/gradient");
    return gradients;
  }
  // Only the rows that are asked for are read.
  std::size_t bytes(const Node& node) const override {
    const TensorType rows{node.output()->type().shape, DType::f32};
    return rows.bytes() + node.input(1)->type().bytes() + node.output()->type().bytes();
  }

 private:
  DType output_;
};

class EmbeddingGradientOp final : public Op {
 public:
  explicit EmbeddingGradientOp(std::int64_t vocabulary)
      : Op("embedding_gradient", Attributes().set("vocabulary", vocabulary)),
        vocabulary_(vocabulary) {}

  std::vector<TensorType> infer(std::span<const TensorType> inputs) const override {
    expect_count(inputs, 2);
    expect_tokens(inputs[1]);
    const TensorType& dy = inputs[0];
    expect_real(dy, inputs[1].shape.rank() + 1, "the output gradient");
    const Shape expected = embedded(inputs[1].shape, dy.shape[-1]);
    expect(dy, {expected, dy.dtype}, "the output gradient");
    return {{{vocabulary_, dy.shape[-1]}, DType::f32}};
  }
  double flops(const Node& node) const override { return elements(node.input(0)); }

 private:
  std::int64_t vocabulary_;
};

}  // namespace

std::shared_ptr<const Op> embedding(DType output) {
  if (output != DType::f32 && output != DType::bf16)
    throw UsageError(
        fmt::format("an embedding of type {}, expected f32 or bf16", dtype_name(output)));
  return std::make_shared<EmbeddingOp>(output);
}
std::shared_ptr<const Op> embedding_gradient(std::int64_t vocabulary) {
  return std::make_shared<EmbeddingGradientOp>(vocabulary);
}

}  // namespace engine::ops
