#include "kernels/convolution.h"

#include <algorithm>
#include <cmath>

#include "engine/tune/candidate.h"
#include "kernels/movement.h"

namespace engine {

Extents3 spatial_extents(const Shape& shape) {
  Extents3 extents{1, 1, 1};
  for (int axis = 2; axis < shape.rank(); ++axis)
    extents[static_cast<std::size_t>(3 - shape.rank() + axis)] = shape[axis];
  return extents;
}

std::string print_spatial(const Extents3& values, int rank) {
  return print_list(std::span(values).last(static_cast<std::size_t>(rank)));
}

Extents3 parse_spatial(const std::string& text, std::int64_t filler) {
  const std::vector<std::int64_t> list = parse_list(text);
  ENGINE_CHECK(!list.empty() && list.size() <= 3, "one to three spatial numbers: '" + text + "'");
  Extents3 values{filler, filler, filler};
  std::copy(list.begin(), list.end(), values.end() - static_cast<std::ptrdiff_t>(list.size()));
  return values;
}

WindowAttributes WindowAttributes::from(const Attributes& attributes) {
  WindowAttributes window;
  window.rank = static_cast<int>(parse_list(attributes.text("stride")).size());
  window.stride = parse_spatial(attributes.text("stride"), 1);
  window.dilation = parse_spatial(attributes.text("dilation"), 1);
  window.padding_before = parse_spatial(attributes.text("before"), 0);
  window.padding_after = parse_spatial(attributes.text("after"), 0);
  return window;
}

void WindowAttributes::add_to(Attributes& attributes) const {
  attributes.set("stride", print_spatial(stride, rank))
      .set("dilation", print_spatial(dilation, rank))
      .set("before", print_spatial(padding_before, rank))
      .set("after", print_spatial(padding_after, rank));
}

Extents3 WindowAttributes::positions(const Extents3& extents, const Extents3& window) const {
  Extents3 result{};
  for (std::size_t d = 0; d < 3; ++d) {
    const std::int64_t room =
        extents[d] + padding_before[d] + padding_after[d] - (window[d] - 1) * dilation[d] - 1;
    result[d] = room < 0 ? 0 : room / stride[d] + 1;
  }
  return result;
}

ConvolutionAttributes ConvolutionAttributes::from(const Attributes& attributes) {
  return {WindowAttributes::from(attributes), attributes.integer("groups"),
          attributes.has("activation") ? DenseAttributes::from(attributes) : DenseAttributes{}};
}

Attributes ConvolutionAttributes::to_attributes() const {
  Attributes attributes = epilogue.to_attributes();
  attributes.set("groups", groups);
  window.add_to(attributes);
  return attributes;
}

ConvolutionGeometry ConvolutionGeometry::of(const Problem& problem) {
  const Attributes& attributes = problem.attributes;
  const TensorType& first = problem.inputs.at(0);
  const Shape& second = problem.inputs.at(1).shape;
  ConvolutionGeometry g{};
  g.window = WindowAttributes::from(attributes);
  g.groups = attributes.integer("groups");
  g.batch = first.shape[0];
  g.layout = first.layout;
  if (problem.op == "convolution_input_gradient") {
    g.outputs = first.shape[1];
    g.inputs = second[1] * g.groups;
    g.input = parse_spatial(attributes.text("input"), 1);
    g.filter = spatial_extents(second);
    g.output = spatial_extents(first.shape);
    return g;
  }
  g.inputs = first.shape[1];
  g.input = spatial_extents(first.shape);
  if (problem.op == "convolution") {
    g.outputs = second[0];
    g.filter = spatial_extents(second);
    g.output = g.window.positions(g.input, g.filter);
    return g;
  }
  ENGINE_CHECK(problem.op == "convolution_weight_gradient", "no convolution: " + problem.op);
  g.outputs = second[1];
  g.filter = parse_spatial(attributes.text("filter"), 1);
  g.output = spatial_extents(second);
  return g;
}

double ConvolutionGeometry::multiply_adds() const {
  return static_cast<double>(batch) * static_cast<double>(outputs) *
         static_cast<double>(output_positions()) * static_cast<double>(group_inputs()) *
         static_cast<double>(filter_positions());
}

namespace {

// Along dimension d, how many times more terms meet in the tiles than in the result that has
// fewest.
double edge_factor(const ConvolutionGeometry& g, const std::string& op, std::size_t d) {
  const bool backwards = op == "convolution_input_gradient";
  const bool sums_positions = op == "convolution_weight_gradient";
  const std::int64_t from = backwards ? g.output[d] : g.input[d];
  const std::int64_t positions = backwards ? g.input[d] : g.output[d], taps = g.filter[d];
  const std::int64_t padding =
      backwards ? taps - 1 - g.window.padding_before[d] : g.window.padding_before[d];
  const std::int64_t results = sums_positions ? taps : positions;
  const std::int64_t most = sums_positions ? positions : taps;
  std::int64_t fewest = most;
  for (std::int64_t result = 0; result < results; ++result) {
    std::int64_t terms = 0;
    for (std::int64_t term = 0; term < most; ++term) {
      const std::int64_t at = result + term - padding;
      terms += at >= 0 && at < from;
    }
    if (terms > 0) fewest = std::min(fewest, terms);
  }
  return static_cast<double>(most) / static_cast<double>(std::max<std::int64_t>(1, fewest));
}

}  // namespace

double convolution_error_factor(const Problem& problem, double amplification) {
  const auto g = ConvolutionGeometry::of(problem);
  const std::int64_t terms = problem.op == "convolution" ? g.group_inputs() * g.filter_positions()
                             : problem.op == "convolution_input_gradient"
                                 ? g.group_outputs() * g.filter_positions()
                                 : g.batch * g.output_positions();
  if (amplification > 1)
    for (std::size_t d = 0; d < 3; ++d) amplification *= edge_factor(g, problem.op, d);
  return stored_error_factor(problem, amplification * (8 + std::sqrt(static_cast<double>(terms))),
                             3);
}

}  // namespace engine
