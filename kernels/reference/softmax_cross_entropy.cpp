// References of softmax_cross_entropy and its gradient.
#include "kernels/softmax_cross_entropy.h"

#include <cmath>
#include <limits>

#include "engine/tune/registry.h"
#include "kernels/reference/softmax_row.h"

namespace engine {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

bool label_valid(double label, std::size_t classes) {
  return label >= 0 && label < static_cast<double>(classes);
}

void softmax_cross_entropy(const Problem& problem, std::span<const ReferenceTensor> inputs,
                           std::span<ReferenceTensor> outputs) {
  const auto rows = static_cast<std::size_t>(problem.inputs[0].shape[0]);
  const auto classes = static_cast<std::size_t>(problem.inputs[0].shape[1]);
  double total = 0, magnitude = 0;
  for (std::size_t r = 0; r < rows; ++r) {
    const SoftmaxRow row(std::span(inputs[0].values).subspan(r * classes, classes));
    const double label = inputs[1].values[r];
    const double z =
        label_valid(label, classes) ? row.logits[static_cast<std::size_t>(label)] : kNan;
    total += std::log(row.sum) + row.largest - z;
    magnitude += 1 + std::log(row.sum) + std::abs(row.largest) + std::abs(z) + row.spread;
  }
  outputs[0].values[0] = rows == 0 ? 0 : total / static_cast<double>(rows);
  outputs[0].magnitudes = {rows == 0 ? 0 : magnitude / static_cast<double>(rows)};
}

void softmax_cross_entropy_gradient(const Problem& problem, std::span<const ReferenceTensor> inputs,
                                    std::span<ReferenceTensor> outputs) {
  const auto rows = static_cast<std::size_t>(problem.inputs[0].shape[0]);
  const auto classes = static_cast<std::size_t>(problem.inputs[0].shape[1]);
  const double scale = inputs[2].values[0] / static_cast<double>(rows);
  for (std::size_t r = 0; r < rows; ++r) {
    const SoftmaxRow row(std::span(inputs[0].values).subspan(r * classes, classes));
    const double label = inputs[1].values[r];
    for (std::size_t j = 0; j < classes; ++j) {
      const double p = row.probability(row.logits[j]);
      const double onehot = static_cast<double>(j) == label ? 1 : 0;
      outputs[0].values[r * classes + j] =
          label_valid(label, classes) ? (p - onehot) * scale : kNan;
      outputs[0].magnitudes.push_back((p * row.uncertainty(row.logits[j]) + onehot) *
                                      std::abs(scale));
    }
  }
}

}  // namespace

void register_softmax_cross_entropy_reference(ReferenceRegistry& registry) {
  registry.add("softmax_cross_entropy", softmax_cross_entropy);
  registry.add("softmax_cross_entropy_gradient", softmax_cross_entropy_gradient);
}

}  // namespace engine
