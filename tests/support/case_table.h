// What the files of the table of cases share.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "engine/core/rng.h"
#include "tests/support/op_case.h"

namespace engine::test {

using Kind = InputDraw::Kind;
using Cases = std::vector<OpCase>;

inline const InputDraw kReals{};
inline const InputDraw kSmallIntegers{Kind::integers, -4, 5};
inline const InputDraw kSpecials{Kind::specials, 0, 0};
inline const InputDraw kStep{Kind::integers, 0, 1000000};
inline constexpr RandomKey kKey{0x243f6a88u, 0x85a308d3u};

inline TensorType f32(Shape shape) {
  return {std::move(shape), DType::f32};
}
inline TensorType i32(Shape shape) {
  return {std::move(shape), DType::i32};
}
inline const TensorType kScalarI64{Shape{}, DType::i64};

inline Problem make(const std::string& op, Attributes attributes, std::vector<TensorType> inputs,
                    std::vector<TensorType> outputs) {
  Problem problem;
  problem.op = op;
  problem.attributes = std::move(attributes);
  problem.inputs = std::move(inputs);
  problem.outputs = std::move(outputs);
  return problem;
}

Cases dense_cases();
Cases dense_gradient_cases(bool of_weights);

}  // namespace engine::test
