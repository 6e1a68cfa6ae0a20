#include "kernels/cudnn/convolution_problem.h"

#include <algorithm>

namespace engine::cuda {
namespace {

/// A dense tensor of channels: outer, channels, and the last `rank` of `extents`.
CudnnTensor make_tensor(DType dtype, bool channels_last, std::int64_t outer, std::int64_t channels,
                        const Extents3& extents, std::size_t rank) {
  CudnnTensor tensor{dtype == DType::bf16 ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT,
                     {outer, channels},
                     std::vector<std::int64_t>(rank + 2)};
  tensor.dims.insert(tensor.dims.end(), extents.end() - static_cast<std::ptrdiff_t>(rank),
                     extents.end());
  std::int64_t stride = channels_last ? channels : 1;
  for (std::size_t d = rank + 1; d >= 2; --d) {
    tensor.strides[d] = stride;
    stride *= tensor.dims[d];
  }
  tensor.strides[1] = channels_last ? 1 : stride;
  tensor.strides[0] = channels_last ? stride : stride * channels;
  return tensor;
}

std::vector<std::int64_t> last(const Extents3& values, std::size_t rank) {
  return {values.end() - static_cast<std::ptrdiff_t>(rank), values.end()};
}

Direction direction_of(const Problem& problem) {
  if (problem.op == "convolution") return Direction::forward;
  return problem.op == "convolution_input_gradient" ? Direction::input_gradient
                                                    : Direction::weight_gradient;
}

}  // namespace

ConvolutionProblem ConvolutionProblem::of(const Problem& problem) {
  ConvolutionProblem p{direction_of(problem),
                       ConvolutionGeometry::of(problem),
                       problem.math,
                       multiplies_bfloat16(problem),
                       {},
                       {},
                       {},
                       {},
                       {},
                       {}};
  const ConvolutionGeometry& g = p.geometry;
  const auto rank = static_cast<std::size_t>(std::max(2, g.window.rank));
  const bool last_axis = p.channels_last();
  const DType in = problem.inputs[0].dtype, out = problem.outputs[0].dtype;
  const bool forward = p.direction == Direction::forward;
  p.x = make_tensor(in, last_axis, g.batch, g.inputs, g.input, rank);
  p.y = make_tensor(forward ? out : in, last_axis, g.batch, g.outputs, g.output, rank);
  p.w = make_tensor(p.direction == Direction::weight_gradient ? out : in, last_axis, g.outputs,
                    g.group_inputs(), g.filter, rank);
  p.stride = last(g.window.stride, rank);
  p.dilation = last(g.window.dilation, rank);
  p.padding = last(g.window.padding_before, rank);
  return p;
}

std::string refuse_convolution(const Problem& problem) {
  if (const std::string why = cudnn_refusal(); !why.empty()) return "no cuDNN: " + why;
  const auto g = ConvolutionGeometry::of(problem);
  if (g.window.padding_before != g.window.padding_after)
    return "padding differs before and after, which cuDNN does not have";
  for (const auto* types : {&problem.inputs, &problem.outputs})
    for (const TensorType& type : *types)
      if (type.element_count() > INT32_MAX / 2) return "a tensor of more than 2^30 elements";
  return "";
}

double cudnn_convolution_error_factor(const Problem& problem) {
  const auto g = ConvolutionGeometry::of(problem);
  // Winograd's transforms of tiles of 4 × 4 (Lavin and Gray, "Fast algorithms for convolutional
  // neural networks", 2016) lose some four bits; filters of one position have none.
  const double transforms = g.filter_positions() > 1 ? 16 : 1;
  // TF32 rounds operands to 10 bits of fraction: 2^-11 of each, 2^13 times the epsilon of f32.
  const bool tf32 = problem.math == Math::tf32 && !multiplies_bfloat16(problem);
  return transforms * convolution_error_factor(problem) + (tf32 ? 2.0 * 8192 : 0.0);
}

}  // namespace engine::cuda
