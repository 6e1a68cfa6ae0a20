// References of sigmoid_cross_entropy and its gradient.
#include "kernels/sigmoid_cross_entropy.h"

#include <cmath>

#include "engine/tune/registry.h"

namespace engine {
namespace {

void sigmoid_cross_entropy(const Problem&, std::span<const ReferenceTensor> inputs,
                           std::span<ReferenceTensor> outputs) {
  const std::size_t count = inputs[0].values.size();
  double total = 0, magnitude = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const double z = inputs[0].values[i], t = inputs[1].values[i];
    const double tail = std::log1p(std::exp(-std::abs(z)));
    total += (z > 0 ? z : 0) - z * t + tail;
    magnitude += std::abs(z) + std::abs(z * t) + tail;
  }
  const double n = count == 0 ? 1 : static_cast<double>(count);
  outputs[0].values[0] = total / n;
  outputs[0].magnitudes = {magnitude / n};
}

void sigmoid_cross_entropy_gradient(const Problem&, std::span<const ReferenceTensor> inputs,
                                    std::span<ReferenceTensor> outputs) {
  const std::size_t count = inputs[0].values.size();
  for (std::size_t i = 0; i < count; ++i) {
    const double scale = inputs[2].values[0] / static_cast<double>(count);
    const double probability = 1 / (1 + std::exp(-inputs[0].values[i])), t = inputs[1].values[i];
    outputs[0].values[i] = (probability - t) * scale;
    outputs[0].magnitudes.push_back((probability + std::abs(t)) * std::abs(scale));
  }
}

}  // namespace

void register_sigmoid_cross_entropy_reference(ReferenceRegistry& registry) {
  registry.add("sigmoid_cross_entropy", sigmoid_cross_entropy);
  registry.add("sigmoid_cross_entropy_gradient", sigmoid_cross_entropy_gradient);
}

}  // namespace engine
