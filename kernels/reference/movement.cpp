// References of the ops that move elements, each from its definition: for every element of the
// result, where it comes from.
#include "kernels/movement.h"

#include "engine/tune/registry.h"
#include "kernels/reference/coordinates.h"

namespace engine {
namespace {

using Inputs = std::span<const ReferenceTensor>;
using Outputs = std::span<ReferenceTensor>;

// y[i] = x[source(coordinates of i)].
template <class Source>
void move_elements(Inputs inputs, Outputs outputs, const Source& source) {
  for (std::size_t i = 0; i < outputs[0].values.size(); ++i)
    outputs[0].values[i] = inputs[0].values[source(coordinates_of(i, outputs[0].type.shape))];
}

void broadcast(const Problem& problem, Inputs inputs, Outputs outputs) {
  move_elements(inputs, outputs, [&](const Coordinates& at) {
    return broadcast_position(at, problem.inputs[0].shape);
  });
}

void transpose(const Problem& problem, Inputs inputs, Outputs outputs) {
  const auto permutation = parse_list(problem.attributes.text("permutation"));
  move_elements(inputs, outputs, [&](const Coordinates& at) {
    Coordinates source(at.size());
    for (std::size_t k = 0; k < at.size(); ++k)
      source[static_cast<std::size_t>(permutation[k])] = at[k];
    return position_of(source, problem.inputs[0].shape);
  });
}

void slice(const Problem& problem, Inputs inputs, Outputs outputs) {
  const auto begin = parse_list(problem.attributes.text("begin"));
  move_elements(inputs, outputs, [&](Coordinates at) {
    for (std::size_t k = 0; k < at.size(); ++k) at[k] += begin[k];
    return position_of(at, problem.inputs[0].shape);
  });
}

void reshape(const Problem&, Inputs inputs, Outputs outputs) {
  outputs[0].values = inputs[0].values;
}

void pad(const Problem& problem, Inputs inputs, Outputs outputs) {
  const auto before = parse_list(problem.attributes.text("before"));
  const double value = static_cast<float>(problem.attributes.real("value"));
  outputs[0].values.assign(outputs[0].values.size(), value);
  for (std::size_t i = 0; i < inputs[0].values.size(); ++i) {
    Coordinates at = coordinates_of(i, problem.inputs[0].shape);
    for (std::size_t k = 0; k < at.size(); ++k) at[k] += before[k];
    outputs[0].values[position_of(at, problem.outputs[0].shape)] = inputs[0].values[i];
  }
}

void concatenate(const Problem& problem, Inputs inputs, Outputs outputs) {
  const auto axis = static_cast<std::size_t>(problem.attributes.integer("axis"));
  std::int64_t done = 0;
  for (const ReferenceTensor& input : inputs) {
    for (std::size_t i = 0; i < input.values.size(); ++i) {
      Coordinates at = coordinates_of(i, input.type.shape);
      at[axis] += done;
      outputs[0].values[position_of(at, problem.outputs[0].shape)] = input.values[i];
    }
    done += input.type.shape[static_cast<int>(axis)];
  }
}

}  // namespace

void register_movement_reference(ReferenceRegistry& registry) {
  registry.add("broadcast", broadcast);
  registry.add("concatenate", concatenate);
  registry.add("slice", slice);
  registry.add("pad", pad);
  registry.add("transpose", transpose);
  registry.add("reshape", reshape);
}

}  // namespace engine
