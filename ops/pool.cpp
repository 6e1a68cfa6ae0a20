// What pooling means. ReLU and drop-out behind max_pool are folded into its epilogue.
#include "ops/pool.h"

#include <fmt/format.h>

#include <algorithm>

#include "ops/convolution.h"
#include "ops/epilogue.h"
#include "ops/expect.h"
#include "ops/registry.h"

namespace engine::ops {
namespace {

using graph::GradientContext;
using graph::Node;
using graph::Op;
using graph::Value;

std::int64_t size(const Extents3& extents) {
  return checked_multiply(checked_multiply(extents[0], extents[1], "a window"), extents[2],
                          "a window");
}

Attributes max_attributes(const PoolAttributes& pool) {
  Attributes attributes = pool.to_attributes();
  attributes.set("activation",
                 std::string(pool.epilogue.activation == Activation::relu ? "relu" : "none"));
  if (pool.epilogue.dropout.rate > 0) pool.epilogue.dropout.add_to(attributes);
  return attributes;
}

Attributes gradient_attributes(const PoolAttributes& pool, const Extents3& input) {
  return pool.to_attributes().set("input", print_spatial(input, pool.window.rank));
}

// The type of y for this x.
TensorType pooled(const TensorType& x, const PoolAttributes& pool) {
  const int rank = pool.window.rank;
  expect_real(x, 2 + rank, "the input");
  const Extents3 positions = pool.window.positions(spatial_extents(x.shape), pool.extents);
  if (*std::min_element(positions.begin(), positions.end()) < 1)
    throw ShapeError(fmt::format("a window of {} does not fit into {}",
                                 print_spatial(pool.extents, rank), x.to_string()));
  return {image_shape(x.shape[0], x.shape[1], positions, rank), x.dtype, x.layout};
}

// The type of dx for this dy.
TensorType unpooled(const TensorType& dy, const PoolAttributes& pool, const Extents3& input) {
  expect_real(dy, 2 + pool.window.rank, "the output gradient");
  const TensorType x{image_shape(dy.shape[0], dy.shape[1], input, pool.window.rank), dy.dtype,
                     dy.layout};
  expect(dy, pooled(x, pool), "the output gradient");
  return x;
}

double flops(const Value& images, const PoolAttributes& pool) {
  return elements(&images) * static_cast<double>(size(pool.extents));
}

class MaxPoolOp final : public Op {
 public:
  explicit MaxPoolOp(const PoolAttributes& pool)
      : Op("max_pool", max_attributes(pool)), pool_(pool) {}

  std::vector<TensorType> infer(std::span<const TensorType> inputs) const override {
    const bool drops = pool_.epilogue.dropout.rate > 0;
    expect_count(inputs, drops ? 2 : 1);
    if (size(pool_.extents) > kNoIndex)
      throw ShapeError(fmt::format("a window of {} has {} elements, expected {} at most",
                                   print_spatial(pool_.extents, pool_.window.rank),
                                   size(pool_.extents), kNoIndex));
    const TensorType y = pooled(inputs[0], pool_);
    if (drops) expect(inputs[1], {{}, DType::i64}, "the step");
    return {y, {y.shape, DType::u8, y.layout}};
  }
  std::vector<Value*> gradient(const GradientContext& context) const override {
    const Node& node = context.node;
    const Extents3 input = spatial_extents(node.input(0)->type().shape);
    const double scale = pool_.epilogue.dropout.rate > 0 ? pool_.epilogue.dropout.scale() : 1.0;
    std::vector<Value*> gradients(node.inputs().size(), nullptr);
    gradients[0] = context.graph.apply(max_pool_gradient(pool_, input, scale),
                                       {context.output_gradients[0], node.output(1)},
                                       node.label() + "/gradient");
    return gradients;
  }
  bool differentiable(std::size_t output) const override { return output == 0; }
  bool any_layout(std::size_t operand) const override { return operand == 0; }
  double flops(const Node& node) const override { return ops::flops(*node.output(), pool_); }

 private:
  PoolAttributes pool_;
};

class AveragePoolOp final : public Op {
 public:
  explicit AveragePoolOp(const PoolAttributes& pool)
      : Op("average_pool", pool.to_attributes()), pool_(pool) {}

  std::vector<TensorType> infer(std::span<const TensorType> inputs) const override {
    expect_count(inputs, 1);
    return {pooled(inputs[0], pool_)};
  }
  std::vector<Value*> gradient(const GradientContext& context) const override {
    const Extents3 input = spatial_extents(context.node.input(0)->type().shape);
    return {context.graph.apply(average_pool_gradient(pool_, input), {context.output_gradients[0]},
                                context.node.label() + "/gradient")};
  }
  bool any_layout(std::size_t) const override { return true; }
  double flops(const Node& node) const override { return ops::flops(*node.output(), pool_); }

 private:
  PoolAttributes pool_;
};

class MaxPoolGradientOp final : public Op {
 public:
  MaxPoolGradientOp(const PoolAttributes& pool, const Extents3& input, double scale)
      : Op("max_pool_gradient", gradient_attributes(pool, input).set("scale", scale)),
        pool_(pool),
        input_(input) {}

  std::vector<TensorType> infer(std::span<const TensorType> inputs) const override {
    expect_count(inputs, 2);
    const TensorType dx = unpooled(inputs[0], pool_, input_);
    expect(inputs[1], {inputs[0].shape, DType::u8, inputs[0].layout}, "the index");
    return {dx};
  }
  bool any_layout(std::size_t) const override { return true; }
  double flops(const Node& node) const override { return ops::flops(*node.input(0), pool_); }

 private:
  PoolAttributes pool_;
  Extents3 input_;
};

class AveragePoolGradientOp final : public Op {
 public:
  AveragePoolGradientOp(const PoolAttributes& pool, const Extents3& input)
      : Op("average_pool_gradient", gradient_attributes(pool, input)), pool_(pool), input_(input) {}

  std::vector<TensorType> infer(std::span<const TensorType> inputs) const override {
    expect_count(inputs, 1);
    return {unpooled(inputs[0], pool_, input_)};
  }
  bool any_layout(std::size_t) const override { return true; }
  double flops(const Node& node) const override { return ops::flops(*node.input(0), pool_); }

 private:
  PoolAttributes pool_;
  Extents3 input_;
};

const PoolAttributes& checked(const PoolAttributes& pool) {
  check_window(pool.window);
  if (*std::min_element(pool.extents.begin(), pool.extents.end()) < 1)
    throw UsageError(fmt::format("a window of {}, expected extents of 1 or more",
                                 print_spatial(pool.extents, pool.window.rank)));
  return pool;
}

// max(relu(x)) = relu(max(x)), and so are the gradients: relu'(0) is 0, NaN passes through both,
// and where the first of several equal elements is not the same one, all are 0.
std::vector<std::string> pool_before_relu(graph::Graph& graph) {
  std::vector<Node*> starts;
  for (const auto& node : graph.nodes())
    if (node->op().name() == "relu") starts.push_back(node.get());
  std::vector<std::string> rewrites;
  for (Node* relu : starts) {
    if (relu->output()->uses().size() != 1) continue;
    Node& pool = *relu->output()->uses().front();
    if (pool.op().name() != "max_pool" || pool.inputs().size() != 1 ||
        !pool.output(1)->uses().empty())
      continue;
    Node& first = graph.insert_before(pool, pool.shared_op(), {relu->input(0)}, pool.label());
    Node& second = graph.insert_before(pool, relu->shared_op(), {first.output()}, relu->label());
    rewrites.push_back(fmt::format("'{}' comes after '{}'", relu->label(), pool.label()));
    graph.replace_uses(*pool.output(), *second.output());
    graph.erase(pool);
    graph.erase(*relu);
  }
  return rewrites;
}

}  // namespace

std::shared_ptr<const Op> max_pool(const PoolAttributes& attributes) {
  return std::make_shared<MaxPoolOp>(checked(attributes));
}
std::shared_ptr<const Op> average_pool(const PoolAttributes& attributes) {
  return std::make_shared<AveragePoolOp>(checked(attributes));
}
std::shared_ptr<const Op> max_pool_gradient(const PoolAttributes& attributes, const Extents3& input,
                                            double scale) {
  return std::make_shared<MaxPoolGradientOp>(checked(attributes), input, scale);
}
std::shared_ptr<const Op> average_pool_gradient(const PoolAttributes& attributes,
                                                const Extents3& input) {
  return std::make_shared<AveragePoolGradientOp>(checked(attributes), input);
}

}  // namespace engine::ops

namespace engine {

void register_pool_op(OpRegistry& registry) {
  registry.passes.add({"pool-before-relu", "let ReLU see what max-pooling leaves of its input",
                       graph::Stage::forward, -1, ops::pool_before_relu});
  registry.passes.add(
      {"fuse-pool-epilogue", "fold ReLU and drop-out into the max-pooling before them",
       graph::Stage::forward, 0, [](graph::Graph& graph) {
         return ops::fuse_epilogues(graph, "max_pool",
                                    [](const graph::Op& op, const DenseAttributes& epilogue) {
                                      auto attributes = PoolAttributes::from(op.attributes());
                                      attributes.epilogue = epilogue;
                                      return ops::max_pool(attributes);
                                    });
       }});
}

}  // namespace engine
