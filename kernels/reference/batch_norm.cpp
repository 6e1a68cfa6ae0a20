// References of batch_norm, its gradient, and both for inference.
#include "kernels/batch_norm.h"

#include <cmath>

#include "engine/tune/registry.h"
#include "kernels/reference/normalization.h"

namespace engine {
namespace {

// The numbers of the elements of one channel, those of row-major order.
struct Channel {
  std::size_t channels, spatial, count, index;

  Channel(const Shape& x, std::size_t channel)
      : channels(static_cast<std::size_t>(x[1])),
        spatial(static_cast<std::size_t>(x.elements_after(1))),
        count(static_cast<std::size_t>(x[0]) * spatial),
        index(channel) {}
  std::size_t operator()(std::size_t i) const {
    return (i / spatial * channels + index) * spatial + i % spatial;
  }
};

template <class F>
void each_channel(const Problem& problem, const F& body) {
  const Shape& x = problem.inputs[0].shape;
  for (std::size_t c = 0; c < static_cast<std::size_t>(x[1]); ++c) body(c, Channel(x, c));
}

void batch_norm(const Problem& problem, std::span<const ReferenceTensor> inputs,
                std::span<ReferenceTensor> outputs) {
  const double epsilon = NormalizationAttributes::from(problem.attributes).epsilon;
  outputs[0].magnitudes.resize(outputs[0].values.size());
  each_channel(problem, [&](std::size_t c, const Channel& at) {
    const auto& x = inputs[0].values;
    const Moments moments = Moments::of(at.count, [&](std::size_t i) { return x[at(i)]; });
    for (std::size_t i = 0; i < at.count; ++i) {
      const Normalized result(x[at(i)], moments.mean, moments.mean_magnitude,
                              moments.inverse_deviation(epsilon), inputs[1].values[c],
                              inputs[2].values[c]);
      outputs[0].values[at(i)] = result.y;
      outputs[0].magnitudes[at(i)] = result.magnitude;
    }
    outputs[1].values[c] = moments.mean;
    outputs[1].magnitudes.push_back(moments.mean_magnitude);
    outputs[2].values[c] = moments.variance;
    outputs[2].magnitudes.push_back(moments.variance_magnitude);
  });
}

void batch_norm_gradient(const Problem& problem, std::span<const ReferenceTensor> inputs,
                         std::span<ReferenceTensor> outputs) {
  const double epsilon = NormalizationAttributes::from(problem.attributes).epsilon;
  outputs[0].magnitudes.resize(outputs[0].values.size());
  each_channel(problem, [&](std::size_t c, const Channel& at) {
    const double inverse = 1 / std::sqrt(inputs[4].values[c] + epsilon);
    const double factor = inputs[2].values[c] * inverse;
    const auto dy = [&](std::size_t i) { return inputs[0].values[at(i)]; };
    const auto normalized = [&](std::size_t i) {
      return (inputs[1].values[at(i)] - inputs[3].values[c]) * inverse;
    };
    NormalizationGradient sums(at.count);
    for (std::size_t i = 0; i < at.count; ++i) sums.add(dy(i), normalized(i));
    for (std::size_t i = 0; i < at.count; ++i) {
      outputs[0].values[at(i)] = factor * sums.dx(dy(i), normalized(i));
      outputs[0].magnitudes[at(i)] = std::abs(factor) * sums.magnitude(dy(i), normalized(i));
    }
    outputs[1].values[c] = sums.gx;
    outputs[1].magnitudes.push_back(sums.gx_magnitude);
    outputs[2].values[c] = sums.g;
    outputs[2].magnitudes.push_back(sums.g_magnitude);
  });
}

void batch_norm_inference(const Problem& problem, std::span<const ReferenceTensor> inputs,
                          std::span<ReferenceTensor> outputs) {
  const double epsilon = NormalizationAttributes::from(problem.attributes).epsilon;
  outputs[0].magnitudes.resize(outputs[0].values.size());
  each_channel(problem, [&](std::size_t c, const Channel& at) {
    const double inverse = 1 / std::sqrt(inputs[4].values[c] + epsilon);
    for (std::size_t i = 0; i < at.count; ++i) {
      const Normalized result(inputs[0].values[at(i)], inputs[3].values[c], 0, inverse,
                              inputs[1].values[c], inputs[2].values[c]);
      outputs[0].values[at(i)] = result.y;
      outputs[0].magnitudes[at(i)] = result.magnitude;
    }
  });
}

void batch_norm_inference_gradient(const Problem& problem, std::span<const ReferenceTensor> inputs,
                                   std::span<ReferenceTensor> outputs) {
  const double epsilon = NormalizationAttributes::from(problem.attributes).epsilon;
  each_channel(problem, [&](std::size_t c, const Channel& at) {
    const double factor = inputs[1].values[c] / std::sqrt(inputs[2].values[c] + epsilon);
    for (std::size_t i = 0; i < at.count; ++i)
      outputs[0].values[at(i)] = inputs[0].values[at(i)] * factor;
  });
}

}  // namespace

void register_batch_norm_reference(ReferenceRegistry& registry) {
  registry.add("batch_norm", batch_norm);
  registry.add("batch_norm_gradient", batch_norm_gradient);
  registry.add("batch_norm_inference", batch_norm_inference);
  registry.add("batch_norm_inference_gradient", batch_norm_inference_gradient);
}

}  // namespace engine
