// Index arithmetic of tensors: a division by a number that is known at launch, as a multiplication,
// and the coordinates of an index in a grid of four extents.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "engine/device/cuda/port.h"

namespace engine::cuda {

/// n / d for 0 <= n < 2^31 and 1 <= d < 2^31: with s = ceil(log2 d) and
/// m = floor(2^32 (2^s - d) / d) + 1, it is (floor(m n / 2^32) + n) / 2^s. (Granlund, Montgomery,
/// "Division by invariant integers using multiplication", 1994.)
class Divisor {
 public:
  Divisor() = default;
  explicit Divisor(std::int64_t divisor) : divisor_(static_cast<int>(divisor)) {
    while ((std::int64_t{1} << shift_) < divisor) ++shift_;
    const std::uint64_t excess = (std::uint64_t{1} << shift_) - static_cast<std::uint64_t>(divisor);
    magic_ = static_cast<std::uint32_t>((excess << 32) / static_cast<std::uint64_t>(divisor) + 1);
  }

  __host__ __device__ int divide(int n) const {
    const auto value = static_cast<std::uint32_t>(n);
    const auto high = static_cast<std::uint32_t>(std::uint64_t{magic_} * value >> 32);
    return static_cast<int>((high + value) >> shift_);
  }
  __host__ __device__ int divisor() const { return divisor_; }
  /// n / d, leaving the remainder in n.
  __host__ __device__ int split(int& n) const {
    const int quotient = divide(n);
    n -= quotient * divisor_;
    return quotient;
  }

 private:
  int divisor_ = 1;
  int shift_ = 0;
  std::uint32_t magic_ = 1;
};

/// Where an index lies in a grid of extents (any, a, b, c), the last one innermost.
struct Grid4 {
  Divisor a, b, c;

  struct Place {
    int outer, at[3];
  };

  Grid4() = default;
  Grid4(std::int64_t extent_a, std::int64_t extent_b, std::int64_t extent_c)
      : a(std::max<std::int64_t>(extent_a, 1)),
        b(std::max<std::int64_t>(extent_b, 1)),
        c(std::max<std::int64_t>(extent_c, 1)) {}

  __host__ __device__ Place place(int index) const {
    int i = index, j = c.split(i), k = b.split(j);
    return {a.split(k), {k, j, i}};
  }
};

}  // namespace engine::cuda
