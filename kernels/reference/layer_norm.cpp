// References of layer_norm and its gradients.
#include "kernels/layer_norm.h"

#include <cmath>

#include "engine/tune/registry.h"
#include "kernels/reference/normalization.h"

namespace engine {
namespace {

void layer_norm(const Problem& problem, std::span<const ReferenceTensor> inputs,
                std::span<ReferenceTensor> outputs) {
  const double epsilon = NormalizationAttributes::from(problem.attributes).epsilon;
  const auto extents = LayerNormExtents::of(problem.inputs[0]);
  const auto length = static_cast<std::size_t>(extents.length);
  for (std::size_t r = 0; r < static_cast<std::size_t>(extents.rows); ++r) {
    const double* x = inputs[0].values.data() + r * length;
    const Moments moments = Moments::of(length, [x](std::size_t i) { return x[i]; });
    const double inverse = moments.inverse_deviation(epsilon);
    for (std::size_t i = 0; i < length; ++i) {
      const Normalized result(x[i], moments.mean, moments.mean_magnitude, inverse,
                              inputs[1].values[i], inputs[2].values[i]);
      outputs[0].values[r * length + i] = result.y;
      outputs[0].magnitudes.push_back(result.magnitude);
    }
    outputs[1].values[r] = moments.mean;
    outputs[1].magnitudes.push_back(moments.mean_magnitude);
    outputs[2].values[r] = inverse;
    outputs[2].magnitudes.push_back(moments.inverse_deviation_magnitude(epsilon));
  }
}

void layer_norm_input_gradient(const Problem& problem, std::span<const ReferenceTensor> inputs,
                               std::span<ReferenceTensor> outputs) {
  const auto extents = LayerNormExtents::of(problem.inputs[0]);
  const auto length = static_cast<std::size_t>(extents.length);
  for (std::size_t r = 0; r < static_cast<std::size_t>(extents.rows); ++r) {
    const double mean = inputs[3].values[r], inverse = inputs[4].values[r];
    const auto gradient = [&](std::size_t i) {
      return inputs[0].values[r * length + i] * inputs[2].values[i];
    };
    const auto normalized = [&](std::size_t i) {
      return (inputs[1].values[r * length + i] - mean) * inverse;
    };
    NormalizationGradient row(length);
    for (std::size_t i = 0; i < length; ++i) row.add(gradient(i), normalized(i));
    for (std::size_t i = 0; i < length; ++i) {
      outputs[0].values[r * length + i] = inverse * row.dx(gradient(i), normalized(i));
      outputs[0].magnitudes.push_back(std::abs(inverse) *
                                      row.magnitude(gradient(i), normalized(i)));
    }
  }
}

void layer_norm_parameter_gradient(const Problem& problem, std::span<const ReferenceTensor> inputs,
                                   std::span<ReferenceTensor> outputs) {
  const auto extents = LayerNormExtents::of(problem.inputs[0]);
  const auto length = static_cast<std::size_t>(extents.length);
  for (std::size_t i = 0; i < length; ++i) {
    NormalizationGradient sums(length);
    for (std::size_t r = 0; r < static_cast<std::size_t>(extents.rows); ++r)
      sums.add(inputs[0].values[r * length + i],
               (inputs[1].values[r * length + i] - inputs[2].values[r]) * inputs[3].values[r]);
    outputs[0].values[i] = sums.gx;
    outputs[0].magnitudes.push_back(sums.gx_magnitude);
    outputs[1].values[i] = sums.g;
    outputs[1].magnitudes.push_back(sums.g_magnitude);
  }
}

}  // namespace

void register_layer_norm_reference(ReferenceRegistry& registry) {
  registry.add("layer_norm", layer_norm);
  registry.add("layer_norm_input_gradient", layer_norm_input_gradient);
  registry.add("layer_norm_parameter_gradient", layer_norm_parameter_gradient);
}

}  // namespace engine
