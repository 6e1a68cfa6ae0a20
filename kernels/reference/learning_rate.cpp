// Reference of learning_rate.
#include "kernels/learning_rate.h"

#include <span>

#include "engine/tune/registry.h"

namespace engine {
namespace {

void learning_rate(const Problem& problem, std::span<const ReferenceTensor> inputs,
                   std::span<ReferenceTensor> outputs) {
  outputs[0].values[0] =
      scheduled_rate(LearningRateAttributes::from(problem.attributes), inputs[0].values[0],
                     static_cast<std::int64_t>(inputs[1].values[0]));
}

}  // namespace

void register_learning_rate_reference(ReferenceRegistry& registry) {
  registry.add("learning_rate", learning_rate);
}

}  // namespace engine
