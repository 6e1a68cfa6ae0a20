#include "ops/movement.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "kernels/movement.h"
#include "ops/expect.h"
#include "ops/reduce.h"

namespace engine::ops {
namespace {

using graph::GradientContext;
using graph::Node;
using graph::Op;
using graph::Value;

void expect_words(const TensorType& type) {
  if (dtype_size(type.dtype) != 4)
    throw ShapeError(
        fmt::format("the operand is {}, expected elements of four bytes", type.to_string()));
}

Extents extents_of(const Shape& shape) {
  return {shape.extents().begin(), shape.extents().end()};
}

void expect_axes(const Extents& list, const TensorType& type, std::string_view what) {
  if (static_cast<int>(list.size()) != type.shape.rank())
    throw ShapeError(fmt::format("{} entries of {} for {}, expected one an axis", list.size(), what,
                                 type.to_string()));
}

// An op of one operand, whose gradient is one op applied to dy.
class MovementOp : public Op {
 public:
  using Op::Op;
  std::vector<TensorType> infer(std::span<const TensorType> inputs) const final {
    expect_count(inputs, 1);
    expect_words(inputs[0]);
    return {{shape_of(inputs[0]), inputs[0].dtype}};
  }
  std::vector<Value*> gradient(const GradientContext& context) const override {
    return {context.graph.apply(inverse(context.node.input(0)->type().shape),
                                {context.output_gradients[0]}, context.node.label() + "/gradient")};
  }

 private:
  virtual Shape shape_of(const TensorType& input) const = 0;
  virtual OpPointer inverse(const Shape& input) const = 0;
};

class BroadcastOp final : public Op {
 public:
  explicit BroadcastOp(const Shape& shape)
      : Op("broadcast", Attributes().set("shape", print_list(shape.extents()))), shape_(shape) {}
  std::vector<TensorType> infer(std::span<const TensorType> inputs) const override {
    expect_count(inputs, 1);
    expect_words(inputs[0]);
    if (inputs[0].shape.rank() > shape_.rank() ||
        broadcast_shape(inputs[0].shape, shape_) != shape_)
      throw ShapeError(
          fmt::format("{} does not broadcast to {}", inputs[0].to_string(), shape_.to_string()));
    return {{shape_, inputs[0].dtype}};
  }
  std::vector<Value*> gradient(const GradientContext& context) const override {
    return {sum_to_shape(context.graph, context.output_gradients[0],
                         context.node.input(0)->type().shape, context.node.label() + "/gradient")};
  }

 private:
  Shape shape_;
};

class SliceOp final : public MovementOp {
 public:
  SliceOp(Extents begin, Extents extents)
      : MovementOp(
            "slice",
            Attributes().set("begin", print_list(begin)).set("extents", print_list(extents))),
        begin_(std::move(begin)),
        extents_(std::move(extents)) {}

 private:
  Shape shape_of(const TensorType& input) const override {
    expect_axes(begin_, input, "begin");
    expect_axes(extents_, input, "extents");
    for (std::size_t i = 0; i < begin_.size(); ++i) {
      const std::int64_t all = input.shape[static_cast<int>(i)];
      if (begin_[i] < 0 || extents_[i] < 0 || begin_[i] > all || extents_[i] > all - begin_[i])
        throw ShapeError(fmt::format("{} elements from {} on along axis {} of {}", extents_[i],
                                     begin_[i], i, input.to_string()));
    }
    return Shape(extents_);
  }
  OpPointer inverse(const Shape& input) const override {
    Extents after = extents_of(input);
    for (std::size_t i = 0; i < after.size(); ++i) after[i] -= begin_[i] + extents_[i];
    return pad(begin_, after);
  }

  Extents begin_, extents_;
};

class PadOp final : public MovementOp {
 public:
  PadOp(Extents before, Extents after, double value)
      : MovementOp("pad", Attributes()
                              .set("before", print_list(before))
                              .set("after", print_list(after))
                              .set_untuned("value", value)),
        before_(std::move(before)),
        after_(std::move(after)) {}

 private:
  Shape shape_of(const TensorType& input) const override {
    expect_axes(before_, input, "before");
    expect_axes(after_, input, "after");
    Extents extents = extents_of(input.shape);
    for (std::size_t i = 0; i < extents.size(); ++i) {
      if (before_[i] < 0 || after_[i] < 0)
        throw ShapeError(fmt::format("padding of {} and {} along axis {}, expected none below 0",
                                     before_[i], after_[i], i));
      extents[i] += before_[i] + after_[i];
    }
    return Shape(extents);
  }
  OpPointer inverse(const Shape& input) const override { return slice(before_, extents_of(input)); }

  Extents before_, after_;
};

class TransposeOp final : public MovementOp {
 public:
  explicit TransposeOp(Extents permutation)
      : MovementOp("transpose", Attributes().set("permutation", print_list(permutation))),
        permutation_(std::move(permutation)) {}

 private:
  Shape shape_of(const TensorType& input) const override {
    expect_axes(permutation_, input, "the permutation");
    Extents extents;
    for (std::int64_t axis : permutation_) extents.push_back(input.shape[static_cast<int>(axis)]);
    return Shape(extents);
  }
  OpPointer inverse(const Shape&) const override {
    Extents inverse(permutation_.size());
    for (std::size_t k = 0; k < inverse.size(); ++k)
      inverse[static_cast<std::size_t>(permutation_[k])] = static_cast<std::int64_t>(k);
    return transpose(inverse);
  }

  Extents permutation_;
};

class ReshapeOp final : public MovementOp {
 public:
  explicit ReshapeOp(const Shape& shape)
      : MovementOp("reshape", Attributes().set("shape", print_list(shape.extents()))),
        shape_(shape) {}
  std::vector<std::pair<std::size_t, std::size_t>> in_place_pairs(const Node&) const override {
    return {{0, 0}};
  }
  // In place there is nothing to move.
  std::size_t bytes(const Node& node) const override {
    return node.in_place()[0] == graph::kNotInPlace ? Op::bytes(node) : 0;
  }

 private:
  Shape shape_of(const TensorType& input) const override {
    if (input.element_count() != shape_.element_count())
      throw ShapeError(fmt::format("{} has {} elements and {} has {}", input.to_string(),
                                   input.element_count(), shape_.to_string(),
                                   shape_.element_count()));
    return shape_;
  }
  OpPointer inverse(const Shape& input) const override { return reshape(input); }

  Shape shape_;
};

class ConcatenateOp final : public Op {
 public:
  explicit ConcatenateOp(int axis)
      : Op("concatenate", Attributes().set("axis", std::int64_t{axis})), axis_(axis) {}
  std::vector<TensorType> infer(std::span<const TensorType> inputs) const override {
    if (inputs.empty()) throw ShapeError("nothing to concatenate");
    expect_words(inputs[0]);
    if (axis_ >= inputs[0].shape.rank())
      throw ShapeError(fmt::format("axis {} of {}", axis_, inputs[0].to_string()));
    Extents extents = extents_of(inputs[0].shape);
    std::int64_t& along = extents[static_cast<std::size_t>(axis_)];
    for (const TensorType& input : inputs.subspan(1)) {
      Extents alike = extents_of(input.shape);
      if (input.dtype == inputs[0].dtype && alike.size() == extents.size())
        alike[static_cast<std::size_t>(axis_)] = along;
      if (input.dtype != inputs[0].dtype || alike != extents)
        throw ShapeError(fmt::format("{} and {} differ in more than axis {}", inputs[0].to_string(),
                                     input.to_string(), axis_));
      along += input.shape[axis_];
    }
    return {{Shape(extents), inputs[0].dtype}};
  }
  std::vector<Value*> gradient(const GradientContext& context) const override {
    std::vector<Value*> gradients;
    Extents begin(static_cast<std::size_t>(context.node.output()->type().shape.rank()));
    std::int64_t& at = begin[static_cast<std::size_t>(axis_)];
    for (std::size_t i = 0; i < context.node.inputs().size(); ++i) {
      const Shape& shape = context.node.input(i)->type().shape;
      gradients.push_back(!context.needed[i]
                              ? nullptr
                              : context.graph.apply(slice(begin, extents_of(shape)),
                                                    {context.output_gradients[0]},
                                                    context.node.label() + "/gradient"));
      at += shape[axis_];
    }
    return gradients;
  }

 private:
  int axis_;
};

}  // namespace

OpPointer broadcast(const Shape& shape) {
  return std::make_shared<BroadcastOp>(shape);
}
OpPointer concatenate(int axis) {
  if (axis < 0) throw UsageError(fmt::format("axis {} to concatenate along, expected 0 on", axis));
  return std::make_shared<ConcatenateOp>(axis);
}
OpPointer slice(Extents begin, Extents extents) {
  return std::make_shared<SliceOp>(std::move(begin), std::move(extents));
}
OpPointer pad(Extents before, Extents after, double value) {
  return std::make_shared<PadOp>(std::move(before), std::move(after), value);
}
OpPointer transpose(Extents permutation) {
  Extents sorted = permutation, expected(permutation.size());
  std::sort(sorted.begin(), sorted.end());
  std::iota(expected.begin(), expected.end(), 0);
  if (sorted != expected)
    throw UsageError(fmt::format("'{}' is no permutation of axes", print_list(permutation)));
  return std::make_shared<TransposeOp>(std::move(permutation));
}
OpPointer reshape(const Shape& shape) {
  return std::make_shared<ReshapeOp>(shape);
}

}  // namespace engine::ops
