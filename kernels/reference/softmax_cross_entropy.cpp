// References of softmax_cross_entropy and its gradient.
//
// Magnitudes. An f32 kernel knows z - max only to within eps·(|z| + |max|), which exp turns into a
// relative error of that size; the error of the sum is the mean of those under p. Hence "spread"
// below.
#include "kernels/softmax_cross_entropy.h"

#include <cmath>
#include <limits>

#include "engine/tune/registry.h"

namespace engine {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

struct Row {
  std::span<const double> logits;
  double largest = -std::numeric_limits<double>::infinity();
  double sum = 0;     ///< of exp(z - largest)
  double spread = 0;  ///< mean of |z| + |largest| under the softmax

  explicit Row(std::span<const double> z) : logits(z) {
    for (double value : z)
      if (std::isnan(value) || value > largest) largest = value;
    for (double value : z) sum += std::exp(value - largest);
    for (double value : z) spread += probability(value) * argument_scale(value);
  }
  double probability(double z) const { return std::exp(z - largest) / sum; }
  double argument_scale(double z) const {
    return std::isinf(z) ? 0 : std::abs(z) + std::abs(largest);
  }
};

bool label_valid(double label, std::size_t classes) {
  return label >= 0 && label < static_cast<double>(classes);
}

void softmax_cross_entropy(const Problem& problem, std::span<const ReferenceTensor> inputs,
                           std::span<ReferenceTensor> outputs) {
  const auto rows = static_cast<std::size_t>(problem.inputs[0].shape[0]);
  const auto classes = static_cast<std::size_t>(problem.inputs[0].shape[1]);
  double total = 0, magnitude = 0;
  for (std::size_t r = 0; r < rows; ++r) {
    const Row row(std::span(inputs[0].values).subspan(r * classes, classes));
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
    const Row row(std::span(inputs[0].values).subspan(r * classes, classes));
    const double label = inputs[1].values[r];
    for (std::size_t j = 0; j < classes; ++j) {
      const double p = row.probability(row.logits[j]);
      const double onehot = static_cast<double>(j) == label ? 1 : 0;
      outputs[0].values[r * classes + j] =
          label_valid(label, classes) ? (p - onehot) * scale : kNan;
      const double uncertainty = 1 + row.argument_scale(row.logits[j]) + row.spread;
      outputs[0].magnitudes.push_back((p * uncertainty + onehot) * std::abs(scale));
    }
  }
}

}  // namespace

void register_softmax_cross_entropy_reference(ReferenceRegistry& registry) {
  registry.add("softmax_cross_entropy", softmax_cross_entropy);
  registry.add("softmax_cross_entropy_gradient", softmax_cross_entropy_gradient);
}

}  // namespace engine
