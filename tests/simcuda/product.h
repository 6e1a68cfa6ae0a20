// A matrix product on the host, the arithmetic of the simulated cuBLASLt: each element is one chain
// of single-precision fused multiply-adds in the order of k, so it equals the naive loop bit for
// bit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace simcuda {

// A matrix seen through strides, in elements; transposing is swapping them.
struct MatrixView {
  const float* data;
  std::int64_t row_stride;
  std::int64_t column_stride;
};

// bf16 is the upper half of a float; rounded to nearest, ties to even.
float from_bf16(std::uint16_t bits);
std::uint16_t to_bf16(float value);

// Rounds to the 10 fraction bits of TF32, to nearest with ties away from zero.
float round_to_tf32(float value);

// Answers A·B for A of m×k and B of k×n, row by row: m·n values. The chain over k is cut into
// `splits` nearly equal parts, each summed by itself, and the parts added in order.
std::vector<float> multiply(const MatrixView& a, const MatrixView& b, std::size_t m, std::size_t n,
                            std::size_t k, std::size_t splits, bool tf32);

}  // namespace simcuda
