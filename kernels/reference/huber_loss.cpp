// References of huber_loss and its gradient.
#include "kernels/huber_loss.h"

#include <cmath>

#include "engine/tune/registry.h"

namespace engine {
namespace {

void huber_loss(const Problem& problem, std::span<const ReferenceTensor> inputs,
                std::span<ReferenceTensor> outputs) {
  const double delta = HuberLoss::from(problem.attributes).delta;
  const std::size_t count = inputs[0].values.size();
  double total = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const double distance = std::abs(inputs[0].values[i] - inputs[1].values[i]);
    total += distance <= delta ? distance * distance / 2 : delta * (distance - delta / 2);
  }
  outputs[0].values[0] = count == 0 ? 0 : total / static_cast<double>(count);
}

void huber_loss_gradient(const Problem& problem, std::span<const ReferenceTensor> inputs,
                         std::span<ReferenceTensor> outputs) {
  const double delta = HuberLoss::from(problem.attributes).delta;
  const std::size_t count = inputs[0].values.size();
  for (std::size_t i = 0; i < count; ++i) {
    const double difference = inputs[0].values[i] - inputs[1].values[i];
    const double slope =
        std::abs(difference) > delta ? std::copysign(delta, difference) : difference;
    outputs[0].values[i] = slope * (inputs[2].values[0] / static_cast<double>(count));
  }
}

}  // namespace

void register_huber_loss_reference(ReferenceRegistry& registry) {
  registry.add("huber_loss", huber_loss);
  registry.add("huber_loss_gradient", huber_loss_gradient);
}

}  // namespace engine
