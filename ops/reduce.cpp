#include "ops/reduce.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "ops/elementwise.h"
#include "ops/expect.h"
#include "ops/movement.h"

namespace engine::ops {
namespace {

using graph::GradientContext;
using graph::Graph;
using graph::Node;
using graph::Op;
using graph::Value;

// The shape of the result; `keepdims` apart from what the attributes say.
Shape reduced_shape(const Shape& x, const ReduceAttributes& attributes, bool keepdims) {
  std::vector<std::int64_t> extents;
  for (int axis = 0; axis < x.rank(); ++axis) {
    const bool reduced = axis >= attributes.axis && axis < attributes.axis + attributes.count;
    if (!reduced) extents.push_back(x[axis]);
    if (reduced && keepdims) extents.push_back(1);
  }
  return Shape(extents);
}

class MaxGradientOp final : public Op {
 public:
  explicit MaxGradientOp(const ReduceAttributes& attributes)
      : Op("reduce_max_gradient", attributes.to_attributes()), attributes_(attributes) {}
  std::vector<TensorType> infer(std::span<const TensorType> inputs) const override {
    expect_count(inputs, 3);
    const TensorType& x = inputs[1];
    expect(x, DType::f32, x.shape.rank(), "the input");
    const TensorType y{reduced_shape(x.shape, attributes_, attributes_.keepdims), DType::f32};
    expect(inputs[0], y, "the output gradient");
    expect(inputs[2], y, "the output");
    return {x};
  }

 private:
  ReduceAttributes attributes_;
};

class ReduceOp final : public Op {
 public:
  explicit ReduceOp(const ReduceAttributes& attributes)
      : Op("reduce", attributes.to_attributes()), attributes_(attributes) {}

  std::vector<TensorType> infer(std::span<const TensorType> inputs) const override {
    expect_count(inputs, 1);
    const TensorType& x = inputs[0];
    expect(x, DType::f32, x.shape.rank(), "the input");
    if (attributes_.axis < 0 || attributes_.count < 0 ||
        attributes_.count > x.shape.rank() - attributes_.axis)
      throw ShapeError(fmt::format("a reduction over {} axes from axis {} on of {}",
                                   attributes_.count, attributes_.axis, x.to_string()));
    return {{reduced_shape(x.shape, attributes_, attributes_.keepdims), x.dtype}};
  }

  std::vector<Value*> gradient(const GradientContext& context) const override {
    Graph& graph = context.graph;
    const Node& node = context.node;
    const std::string label = node.label() + "/gradient";
    const Shape& x = node.input(0)->type().shape;
    Value* dy = context.output_gradients[0];
    if (attributes_.kind == ReduceKind::max)
      return {
          graph.apply(reduce_max_gradient(attributes_), {dy, node.input(0), node.output()}, label)};
    if (attributes_.kind == ReduceKind::mean) {
      const double terms = elements(node.input(0)) / std::max(1.0, elements(node.output()));
      dy = graph.apply(scale_shift(1 / std::max(1.0, terms)), {dy}, label);
    }
    const Shape kept = reduced_shape(x, attributes_, true);
    if (dy->type().shape != kept) dy = graph.apply(reshape(kept), {dy}, label);
    return {graph.apply(broadcast(x), {dy}, label)};
  }

  double flops(const Node& node) const override { return elements(node.input(0)); }

 private:
  ReduceAttributes attributes_;
};

// Sorted, from the first axis on; each once.
std::vector<int> checked_axes(std::vector<int> axes, const TensorType& x) {
  for (int& axis : axes) {
    const int given = axis;
    if (axis < 0) axis += x.shape.rank();
    if (axis < 0 || axis >= x.shape.rank())
      throw ShapeError(fmt::format("axis {} of {} to reduce over", given, x.to_string()));
  }
  std::sort(axes.begin(), axes.end());
  if (std::adjacent_find(axes.begin(), axes.end()) != axes.end())
    throw ShapeError(fmt::format("an axis of {} to reduce over twice", x.to_string()));
  return axes;
}

}  // namespace

OpPointer reduce(const ReduceAttributes& attributes) {
  return std::make_shared<ReduceOp>(attributes);
}

OpPointer reduce_max_gradient(const ReduceAttributes& attributes) {
  return std::make_shared<MaxGradientOp>(attributes);
}

Value* reduce(Graph& graph, Value* x, ReduceKind kind, std::vector<int> axes, bool keepdims,
              const std::string& label) {
  axes = checked_axes(std::move(axes), x->type());
  while (!axes.empty()) {
    const int last = axes.back();
    int count = 0;
    while (!axes.empty() && axes.back() == last - count) {
      axes.pop_back();
      ++count;
    }
    x = graph.apply(reduce({kind, last - count + 1, count, keepdims}), {x}, label);
  }
  return x;
}

Value* reduce_all(Graph& graph, Value* x, ReduceKind kind, const std::string& label) {
  return graph.apply(reduce({kind, 0, x->type().shape.rank(), false}), {x}, label);
}

Value* sum_to_shape(Graph& graph, Value* x, const Shape& shape, const std::string& label) {
  const Shape& from = x->type().shape;
  const int added = from.rank() - shape.rank();
  std::vector<int> axes(static_cast<std::size_t>(added));
  std::iota(axes.begin(), axes.end(), 0);
  for (int axis = 0; axis < shape.rank(); ++axis)
    if (shape[axis] == 1 && from[axis + added] != 1) axes.push_back(axis + added);
  x = reduce(graph, x, ReduceKind::sum, std::move(axes), true, label);
  return x->type().shape == shape ? x : graph.apply(reshape(shape), {x}, label);
}

}  // namespace engine::ops
