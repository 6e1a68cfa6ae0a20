#include "kernels/padded_channels.h"

#include <vector>

#include "kernels/convolution.h"

namespace engine {
namespace {

// Padding that multiplies the work by more than this is not worth a measurement.
constexpr double kMostWork = 4;

struct Channels {
  std::int64_t inputs, outputs;
};

Channels padded(const Problem& problem, const ConvolutionGeometry& g, std::int64_t granule) {
  const std::int64_t multiple =
      granule / static_cast<std::int64_t>(dtype_size(problem.inputs[0].dtype));
  const auto round_up = [&](std::int64_t channels) {
    return (channels + multiple - 1) / multiple * multiple;
  };
  return {round_up(g.inputs), round_up(g.outputs)};
}

void resize(TensorType& type, int axis, std::int64_t extent) {
  std::vector<std::int64_t> extents(type.shape.extents().begin(), type.shape.extents().end());
  extents.at(static_cast<std::size_t>(axis)) = extent;
  type.shape = Shape(extents);
}

}  // namespace

Problem pad_channels(const Problem& problem, std::int64_t granule) {
  const Channels to = padded(problem, ConvolutionGeometry::of(problem), granule);
  const bool forward = problem.op == "convolution";
  const bool filter_gradient = problem.op == "convolution_weight_gradient";
  Problem result = problem;
  TensorType& x = forward || filter_gradient ? result.inputs[0] : result.outputs[0];
  TensorType& y = forward ? result.outputs[0] : result.inputs[filter_gradient ? 1 : 0];
  TensorType& w = filter_gradient ? result.outputs[0] : result.inputs[1];
  resize(x, 1, to.inputs);
  resize(y, 1, to.outputs);
  resize(w, 0, to.outputs);
  resize(w, 1, to.inputs);
  if (forward) resize(result.inputs[2], 0, to.outputs);
  if (filter_gradient) resize(result.outputs[1], 0, to.outputs);
  return result;
}

std::string refuse_padded_channels(const Problem& problem, std::int64_t granule) {
  const auto g = ConvolutionGeometry::of(problem);
  if (g.groups != 1) return "pads the channels of one group";
  if (g.empty()) return "there is nothing to multiply";
  if (ConvolutionAttributes::from(problem.attributes).epilogue.dropout.rate > 0)
    return "drop-out draws by the number of an element";
  const Channels to = padded(problem, g, granule);
  if (to.inputs == g.inputs && to.outputs == g.outputs)
    return "channels fill whole units of " + std::to_string(granule) + " bytes";
  const double work = static_cast<double>(to.inputs * to.outputs);
  if (work > kMostWork * static_cast<double>(g.inputs * g.outputs))
    return "padding would multiply too few channels by too many zeros";
  return "";
}

ChannelLines ChannelLines::of(const TensorType& type) {
  const std::int64_t count = type.element_count();
  const bool last = type.layout == Layout::channels_last;
  const std::int64_t length = type.shape.rank() == 1 ? count
                              : last                 ? type.shape[1]
                                                     : type.shape.elements_after(0);
  return {length == 0 ? 0 : count / length, length};
}

}  // namespace engine
