// What convolution means. ReLU and drop-out behind it are folded into its epilogue.
#include "ops/convolution.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "ops/epilogue.h"
#include "ops/expect.h"
#include "ops/registry.h"

namespace engine::ops {
namespace {

using graph::GradientContext;
using graph::Node;
using graph::Op;
using graph::Value;

Attributes gradient_attributes(const WindowAttributes& window, std::int64_t groups,
                               const char* name, const Extents3& extents) {
  Attributes attributes;
  attributes.set("groups", groups);
  window.add_to(attributes);
  return attributes.set(name, print_spatial(extents, window.rank));
}

// f32 or bf16 of rank 2 + the window's, in any layout.
void expect_image(const TensorType& type, const WindowAttributes& window, std::string_view what) {
  if ((type.dtype != DType::f32 && type.dtype != DType::bf16) ||
      type.shape.rank() != 2 + window.rank)
    throw ShapeError(fmt::format("{} is {}, expected f32 or bf16 of rank {}", what,
                                 type.to_string(), 2 + window.rank));
}

void expect_channels(const TensorType& type, std::int64_t channels, std::string_view what) {
  if (type.shape[1] != channels)
    throw ShapeError(fmt::format("{} is {}: {} channels, expected {}", what, type.to_string(),
                                 type.shape[1], channels));
}

double flops(const Node& node) {
  return 2 * ConvolutionGeometry::of(graph::make_problem(node)).multiply_adds();
}

class ConvolutionOp final : public Op {
 public:
  explicit ConvolutionOp(const ConvolutionAttributes& attributes)
      : Op("convolution", attributes.to_attributes()), attributes_(attributes) {}

  std::vector<TensorType> infer(std::span<const TensorType> inputs) const override {
    const auto& [window, groups, epilogue] = attributes_;
    expect_count(inputs, epilogue.dropout.rate > 0 ? 4 : 3);
    const TensorType& x = inputs[0];
    expect_image(x, window, "the input");
    expect(inputs[1], DType::f32, 2 + window.rank, "the weight");
    const Shape& w = inputs[1].shape;
    expect_channels(x, w[1] * groups, "the input");
    if (w[0] % groups != 0)
      throw ShapeError(fmt::format("{} output channels in {} groups", w[0], groups));
    expect(inputs[2], {{w[0]}, DType::f32}, "the bias");
    if (epilogue.dropout.rate > 0) expect(inputs[3], {{}, DType::i64}, "the step");
    if (x.dtype == DType::f32 && epilogue.output != DType::f32)
      throw ShapeError(fmt::format("the input is {}, expected bf16 for a result of {}",
                                   x.to_string(), dtype_name(epilogue.output)));
    const Extents3 positions = window.positions(spatial_extents(x.shape), spatial_extents(w));
    if (*std::min_element(positions.begin(), positions.end()) < 1)
      throw ShapeError(
          fmt::format("a filter of {} does not fit into {}", inputs[1].to_string(), x.to_string()));
    return {{image_shape(x.shape[0], w[0], positions, window.rank), epilogue.output, x.layout}};
  }

  std::vector<Value*> gradient(const GradientContext& context) const override {
    const auto& [window, groups, epilogue] = attributes_;
    const Node& node = context.node;
    Value* dz = epilogue_gradient(context, epilogue);
    std::vector<Value*> gradients(node.inputs().size(), nullptr);
    if (context.needed[1] || context.needed[2]) {
      const Extents3 filter = spatial_extents(node.input(1)->type().shape);
      Node& weights = context.graph.add(convolution_weight_gradient(window, groups, filter),
                                        {node.input(0), dz}, node.label() + "/weight_gradient");
      gradients[1] = weights.output(0);
      gradients[2] = weights.output(1);
    }
    if (context.needed[0]) {
      const Extents3 input = spatial_extents(node.input(0)->type().shape);
      gradients[0] = context.graph.apply(convolution_input_gradient(window, groups, input),
                                         {dz, node.input(1)}, node.label() + "/input_gradient");
    }
    return gradients;
  }

  bool any_layout(std::size_t operand) const override { return operand == 0; }
  double flops(const Node& node) const override { return ops::flops(node); }

 private:
  ConvolutionAttributes attributes_;
};

class InputGradientOp final : public Op {
 public:
  InputGradientOp(const WindowAttributes& window, std::int64_t groups, const Extents3& input)
      : Op("convolution_input_gradient", gradient_attributes(window, groups, "input", input)),
        window_(window),
        groups_(groups),
        input_(input) {}

  std::vector<TensorType> infer(std::span<const TensorType> inputs) const override {
    expect_count(inputs, 2);
    const TensorType& dz = inputs[0];
    expect_image(dz, window_, "the output gradient");
    expect(inputs[1], DType::f32, 2 + window_.rank, "the weight");
    const Shape& w = inputs[1].shape;
    const Extents3 positions = window_.positions(input_, spatial_extents(w));
    expect(dz, {image_shape(dz.shape[0], w[0], positions, window_.rank), dz.dtype, dz.layout},
           "the output gradient");
    return {{image_shape(dz.shape[0], w[1] * groups_, input_, window_.rank), dz.dtype, dz.layout}};
  }

  bool any_layout(std::size_t operand) const override { return operand == 0; }
  double flops(const Node& node) const override { return ops::flops(node); }

 private:
  WindowAttributes window_;
  std::int64_t groups_;
  Extents3 input_;
};

class WeightGradientOp final : public Op {
 public:
  WeightGradientOp(const WindowAttributes& window, std::int64_t groups, const Extents3& filter)
      : Op("convolution_weight_gradient", gradient_attributes(window, groups, "filter", filter)),
        window_(window),
        groups_(groups),
        filter_(filter) {}

  std::vector<TensorType> infer(std::span<const TensorType> inputs) const override {
    expect_count(inputs, 2);
    const TensorType &x = inputs[0], &dz = inputs[1];
    expect_image(x, window_, "the input");
    expect_image(dz, window_, "the output gradient");
    const std::int64_t outputs = dz.shape[1];
    if (x.shape[1] % groups_ != 0 || outputs % groups_ != 0)
      throw ShapeError(
          fmt::format("{} and {} channels in {} groups", x.shape[1], outputs, groups_));
    const Extents3 positions = window_.positions(spatial_extents(x.shape), filter_);
    expect(dz, {image_shape(x.shape[0], outputs, positions, window_.rank), x.dtype, x.layout},
           "the output gradient");
    return {{image_shape(outputs, x.shape[1] / groups_, filter_, window_.rank), DType::f32},
            {{outputs}, DType::f32}};
  }

  bool any_layout(std::size_t) const override { return true; }
  double flops(const Node& node) const override { return ops::flops(node); }

 private:
  WindowAttributes window_;
  std::int64_t groups_;
  Extents3 filter_;
};

std::shared_ptr<const Op> with_epilogue(const Op& op, const DenseAttributes& epilogue) {
  auto attributes = ConvolutionAttributes::from(op.attributes());
  attributes.epilogue = epilogue;
  return convolution(attributes);
}

}  // namespace

std::shared_ptr<const Op> convolution(const ConvolutionAttributes& attributes) {
  check_window(attributes.window);
  if (attributes.groups < 1)
    throw UsageError(fmt::format("{} groups, expected 1 or more", attributes.groups));
  return std::make_shared<ConvolutionOp>(attributes);
}

std::shared_ptr<const Op> convolution_input_gradient(const WindowAttributes& window,
                                                     std::int64_t groups, const Extents3& input) {
  return std::make_shared<InputGradientOp>(window, groups, input);
}

std::shared_ptr<const Op> convolution_weight_gradient(const WindowAttributes& window,
                                                      std::int64_t groups, const Extents3& filter) {
  return std::make_shared<WeightGradientOp>(window, groups, filter);
}

void pad_to_same(WindowAttributes& window, const Extents3& extents, const Extents3& filter) {
  for (std::size_t d = 0; d < 3; ++d) {
    const std::int64_t positions = (extents[d] + window.stride[d] - 1) / window.stride[d];
    const std::int64_t covered =
        (positions - 1) * window.stride[d] + (filter[d] - 1) * window.dilation[d] + 1;
    const std::int64_t missing = std::max<std::int64_t>(0, covered - extents[d]);
    window.padding_before[d] = missing / 2;
    window.padding_after[d] = missing - missing / 2;
  }
}

void check_window(const WindowAttributes& window) {
  for (std::size_t d = 0; d < 3; ++d) {
    if (window.stride[d] < 1 || window.dilation[d] < 1)
      throw UsageError(fmt::format("a window of stride {} and dilation {}, expected 1 or more",
                                   window.stride[d], window.dilation[d]));
    if (window.padding_before[d] < 0 || window.padding_after[d] < 0)
      throw UsageError(fmt::format("padding of {} and {}, expected 0 or more",
                                   window.padding_before[d], window.padding_after[d]));
  }
}

Shape image_shape(std::int64_t outer, std::int64_t channels, const Extents3& spatial, int rank) {
  std::vector<std::int64_t> extents{outer, channels};
  extents.insert(extents.end(), spatial.end() - rank, spatial.end());
  return Shape(extents);
}

}  // namespace engine::ops

namespace engine {

void register_convolution_op(OpRegistry& registry) {
  registry.passes.add({"fuse-convolution-epilogue",
                       "fold ReLU and drop-out into the convolution before them",
                       graph::Stage::forward, 0, [](graph::Graph& graph) {
                         return ops::fuse_epilogues(graph, "convolution", ops::with_epilogue);
                       }});
}

}  // namespace engine
