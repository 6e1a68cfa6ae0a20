// Losses and counts over two operands of one shape: the cases that they share.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/support/case_table.h"

namespace engine::test {

/// How the two operands of a case are drawn.
struct PairDraw {
  std::string name;
  InputDraw first, second;
};

/// Element-wise sizes, no dimension at all, and enough for several blocks.
inline std::vector<TensorType> loss_types() {
  std::vector<TensorType> types = elementwise_types();
  for (const Shape& shape : {Shape{}, Shape{128, 1}, Shape{16385}, Shape{5, 3500}, Shape{4096, 25}})
    types.push_back(f32(shape));
  return types;
}

/// A case of `op` over two operands, and over `more` behind them.
inline OpCase pair_case(const std::shared_ptr<const graph::Op>& op, const TensorType& type,
                        const PairDraw& draw, const std::vector<InputDraw>& more = {}) {
  OpCase test{.name = type.to_string() + " " + draw.name,
              .op = op,
              .types = {type, type},
              .draws = {draw.first, draw.second},
              .large = is_large(type)};
  for (const InputDraw& scalar : more) {
    test.types.push_back(f32({}));
    test.draws.push_back(scalar);
  }
  return test;
}

}  // namespace engine::test
