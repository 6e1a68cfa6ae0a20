// What the files of cases, tests/ops/<stem>_cases.cpp, share.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "engine/core/rng.h"
#include "tests/support/op_case.h"

namespace engine::test {

using Kind = InputDraw::Kind;

inline const InputDraw kReals{};
inline const InputDraw kSmallIntegers{Kind::integers, -4, 5};
inline const InputDraw kSpecials{Kind::specials, 0, 0};
inline const InputDraw kStep{Kind::integers, 0, 1000000};
inline constexpr RandomKey kKey{0x243f6a88u, 0x85a308d3u};

inline TensorType f32(Shape shape) {
  return {std::move(shape), DType::f32};
}
inline TensorType bf16(Shape shape) {
  return {std::move(shape), DType::bf16};
}
inline TensorType i32(Shape shape) {
  return {std::move(shape), DType::i32};
}
inline const TensorType kScalarI64{Shape{}, DType::i64};

/// The shapes of element-wise cases: sizes around the widths of SIMD registers, warps and tiles,
/// because that is where kernels go wrong, a tensor of rank four, and a real activation.
inline std::vector<TensorType> elementwise_types() {
  std::vector<TensorType> types;
  for (std::int64_t size : {0, 1, 31, 32, 33, 63, 64, 65, 127, 128, 129, 1000, 4097})
    types.push_back(f32({size}));
  types.push_back(f32({3, 5, 7, 11}));
  types.push_back(f32({128, 512}));
  return types;
}

inline bool is_large(const TensorType& type) {
  return type.element_count() > 20000;
}

}  // namespace engine::test
