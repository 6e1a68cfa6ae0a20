#include "kernels/binary.h"

namespace engine {

StridedLoop binary_loop(const Problem& problem) {
  const Shape& shape = problem.outputs.at(0).shape;
  const auto y = dense_strides(shape);
  const auto a = broadcast_strides(problem.inputs.at(0).shape, shape);
  const auto b = broadcast_strides(problem.inputs.at(1).shape, shape);
  StridedLoop loop;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    const auto i = static_cast<std::size_t>(axis);
    loop.append(shape[axis], {y[i], a[i], b[i]});
  }
  loop.collapse(2);
  return loop;
}

}  // namespace engine
