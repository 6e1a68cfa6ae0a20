// Strided loops as a kernel parameter: from the number of an element to its place in each operand,
// by multiplications (Granlund and Montgomery, "Division by invariant integers using
// multiplication", PLDI 1994) instead of divisions. Elements are counted in 31 bits.
#pragma once

#include <cstdint>
#include <string>

#include "kernels/cuda/common.cuh"
#include "kernels/strided.h"

namespace engine::cuda {

/// n / d for n < 2^31 and 0 < d < 2^31.
struct Divisor {
  std::uint32_t divisor = 1, multiplier = 0, shift = 0;

  Divisor() = default;
  explicit Divisor(std::int64_t d) : divisor(static_cast<std::uint32_t>(d)) {
    while ((std::uint64_t{1} << shift) < divisor) ++shift;
    multiplier =
        static_cast<std::uint32_t>((((std::uint64_t{1} << shift) - divisor) << 32) / divisor + 1);
  }
  __device__ std::uint32_t quotient(std::uint32_t n) const {
    return (__umulhi(n, multiplier) + n) >> shift;
  }
};

/// The offsets of element `index` of the loops, in each operand.
struct DeviceLoop {
  int rank;
  std::uint32_t count;
  Divisor extents[Shape::kMaxRank];  ///< the innermost first, as are strides
  std::int64_t strides[Shape::kMaxRank][StridedLoop::kOperands];

  explicit DeviceLoop(const StridedLoop& loop)
      : rank(loop.rank), count(static_cast<std::uint32_t>(loop.count())), strides{} {
    for (int i = 0; i < rank && count > 0; ++i) {
      extents[i] = Divisor(loop.extent(i));
      for (std::size_t k = 0; k < StridedLoop::kOperands; ++k) strides[i][k] = loop.stride(i)[k];
    }
  }

  struct Offsets {
    std::int64_t at[StridedLoop::kOperands];
  };
  __device__ Offsets offsets(std::uint32_t index) const {
    Offsets offsets{};
#pragma unroll
    for (int i = 0; i < Shape::kMaxRank; ++i) {
      if (i == rank) break;
      const std::uint32_t rest = extents[i].quotient(index);
      const std::int64_t coordinate = index - rest * extents[i].divisor;
#pragma unroll
      for (int k = 0; k < StridedLoop::kOperands; ++k) offsets.at[k] += coordinate * strides[i][k];
      index = rest;
    }
    return offsets;
  }
};

/// Turns loops over elements into loops over groups of four neighbours, if each of the first
/// `operands` has stride 1 in the innermost loop, or 0 where `may_repeat`, and starts its rows at
/// whole groups. Strides of an operand of stride 1 then count groups. Answers whether it could.
inline bool group_by_four(StridedLoop& loop, std::size_t operands, bool may_repeat) {
  if (loop.extent(0) % 4 != 0) return false;
  for (std::size_t k = 0; k < operands; ++k) {
    const std::int64_t step = loop.stride(0)[k];
    if (step != 1 && !(may_repeat && step == 0)) return false;
    for (int i = 1; i < loop.rank; ++i)
      if (step == 1 && loop.stride(i)[k] % 4 != 0) return false;
  }
  const auto inner = static_cast<std::size_t>(loop.rank - 1);
  loop.extents[inner] /= 4;
  for (std::size_t k = 0; k < operands; ++k)
    for (std::size_t i = 0; i < inner; ++i)
      if (loop.strides[inner][k] == 1) loop.strides[i][k] /= 4;
  return true;
}

/// Blocks for one element of the loops a thread.
inline dim3 blocks_for_all(const StridedLoop& loop, int threads) {
  return dim3(static_cast<unsigned>(ceil_div<std::int64_t>(loop.count(), threads)));
}

/// Why a problem is too large for 31-bit counts, or "".
inline std::string refuse_huge_loop(const Problem& problem) {
  return problem.outputs.at(0).element_count() > INT32_MAX ? "more than 2^31 elements" : "";
}

}  // namespace engine::cuda
