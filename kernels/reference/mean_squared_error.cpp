// References of mean_squared_error and its gradient.
#include "kernels/mean_squared_error.h"

#include <cmath>

#include "engine/tune/registry.h"

namespace engine {
namespace {

void mean_squared_error(const Problem&, std::span<const ReferenceTensor> inputs,
                        std::span<ReferenceTensor> outputs) {
  const std::size_t count = inputs[0].values.size();
  double total = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const double difference = inputs[0].values[i] - inputs[1].values[i];
    total += difference * difference;
  }
  outputs[0].values[0] = count == 0 ? 0 : total / static_cast<double>(count);
}

void mean_squared_error_gradient(const Problem&, std::span<const ReferenceTensor> inputs,
                                 std::span<ReferenceTensor> outputs) {
  const std::size_t count = inputs[0].values.size();
  for (std::size_t i = 0; i < count; ++i)
    outputs[0].values[i] = 2 * (inputs[0].values[i] - inputs[1].values[i]) *
                           (inputs[2].values[0] / static_cast<double>(count));
}

}  // namespace

void register_mean_squared_error_reference(ReferenceRegistry& registry) {
  registry.add("mean_squared_error", mean_squared_error);
  registry.add("mean_squared_error_gradient", mean_squared_error_gradient);
}

}  // namespace engine
