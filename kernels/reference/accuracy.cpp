// Reference of accuracy.
#include "kernels/accuracy.h"

#include <algorithm>
#include <cmath>

#include "engine/tune/registry.h"

namespace engine {
namespace {

bool row_correct(std::span<const double> logits, double label) {
  if (label < 0 || label >= static_cast<double>(logits.size())) return false;
  if (std::any_of(logits.begin(), logits.end(), [](double z) { return std::isnan(z); }))
    return false;
  const auto first_largest = std::max_element(logits.begin(), logits.end()) - logits.begin();
  return static_cast<double>(first_largest) == label;
}

void accuracy(const Problem& problem, std::span<const ReferenceTensor> inputs,
              std::span<ReferenceTensor> outputs) {
  const auto rows = static_cast<std::size_t>(problem.inputs[0].shape[0]);
  const auto classes = static_cast<std::size_t>(problem.inputs[0].shape[1]);
  for (std::size_t row = 0; row < rows; ++row) {
    const std::span logits(inputs[0].values.data() + row * classes, classes);
    if (row_correct(logits, inputs[1].values[row])) outputs[0].values[0] += 1;
  }
}

}  // namespace

void register_accuracy_reference(ReferenceRegistry& registry) {
  registry.add("accuracy", accuracy);
}

}  // namespace engine
