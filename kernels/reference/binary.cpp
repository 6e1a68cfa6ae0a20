// References of the element-wise functions of two operands.
#include "kernels/binary.h"

#include <string>

#include "engine/tune/registry.h"
#include "kernels/reference/coordinates.h"

namespace engine {
namespace {

template <class F>
void evaluate(const Problem& problem, std::span<const ReferenceTensor> inputs,
              std::span<ReferenceTensor> outputs) {
  const Shape& shape = problem.outputs[0].shape;
  for (std::size_t i = 0; i < outputs[0].values.size(); ++i) {
    const Coordinates at = coordinates_of(i, shape);
    const double a = inputs[0].values[broadcast_position(at, problem.inputs[0].shape)];
    const double b = inputs[1].values[broadcast_position(at, problem.inputs[1].shape)];
    outputs[0].values[i] = F::value(a, b);
    outputs[0].magnitudes.push_back(F::magnitude(a, b));
  }
}

}  // namespace

void register_binary_reference(ReferenceRegistry& registry) {
#define ENGINE_ROW(name_, ...) \
  registry.add(std::string(binary::name_::name), evaluate<binary::name_>);
  ENGINE_BINARY_TABLE(ENGINE_ROW)
#undef ENGINE_ROW
}

}  // namespace engine
