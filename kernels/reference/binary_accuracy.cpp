// Reference of binary_accuracy.
#include "kernels/binary_accuracy.h"

#include <cmath>

#include "engine/tune/registry.h"

namespace engine {
namespace {

void binary_accuracy(const Problem&, std::span<const ReferenceTensor> inputs,
                     std::span<ReferenceTensor> outputs) {
  for (std::size_t i = 0; i < inputs[0].values.size(); ++i) {
    const double z = inputs[0].values[i], t = inputs[1].values[i];
    if (!std::isnan(z) && !std::isnan(t) && (z > 0) == (t > 0.5)) outputs[0].values[0] += 1;
  }
}

}  // namespace

void register_binary_accuracy_reference(ReferenceRegistry& registry) {
  registry.add("binary_accuracy", binary_accuracy);
}

}  // namespace engine
