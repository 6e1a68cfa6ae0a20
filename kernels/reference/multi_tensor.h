// The reference of every multi-tensor op: its rule over doubles that carry their magnitudes.
#pragma once

#include <array>
#include <span>

#include "engine/tune/reference.h"
#include "kernels/multi_tensor.h"
#include "kernels/reference/tracked.h"

namespace engine {

/// The first `count` inputs, as the operands that a rule over doubles reads.
struct ReferenceScalars {
  std::array<double, ScalarOperands::kMost> storage{};
  ScalarOperands operands;

  ReferenceScalars(std::span<const ReferenceTensor> inputs, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      narrow(inputs[i], &storage[i]);
      operands.at[i] = &storage[i];
    }
  }
  ReferenceScalars(const ReferenceScalars&) = delete;
  ReferenceScalars& operator=(const ReferenceScalars&) = delete;
};

/// Reference (see there) of the op whose rule Rule::from(attributes) makes.
template <class Rule>
void multi_tensor_reference(const Problem& problem, std::span<const ReferenceTensor> inputs,
                            std::span<ReferenceTensor> outputs) {
  constexpr std::size_t lists = Rule::kStates;
  const auto operands = MultiTensorOperands::of(problem.attributes, Rule::kScalars);
  const ReferenceScalars scalars(inputs, operands.scalars);
  const auto step = Rule::from(problem.attributes).template at<double>(scalars.operands);
  for (std::size_t k = 0; k < operands.count; ++k) {
    const std::vector<double>& incoming = inputs[operands.incoming(k)].values;
    for (std::size_t i = 0; i < incoming.size(); ++i) {
      std::array<Tracked, lists> state;
      for (std::size_t j = 0; j < lists; ++j) state[j] = inputs[operands.state(j, k)].values[i];
      if (!step.skip) step(Tracked(incoming[i]), state.data());
      for (std::size_t j = 0; j < lists; ++j) {
        outputs[operands.next(j, k)].values[i] = state[j].value;
        outputs[operands.next(j, k)].magnitudes.push_back(state[j].magnitude);
      }
    }
  }
}

}  // namespace engine
