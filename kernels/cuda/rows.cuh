// Kernels that work row by row on a row-major matrix: a row belongs to one warp, eight rows to a
// block, or, where it is long, to a whole block.
#pragma once

#include <string>

#include "kernels/cuda/common.cuh"

namespace engine::cuda {

inline constexpr int kRowWarps = 8;    // of a block
inline constexpr int kLongRow = 1024;  // elements from which a row gets a block

/// The row of the calling thread, and its place among the kWarps warps that share the row. Where
/// rows are not long the last block may find its row at or past the number of rows.
template <int kWarps>
struct RowTeam {
  static constexpr int kThreads = kWarps * kWarp;
  std::int64_t row;
  int thread;

  __device__ RowTeam()
      : row(blockIdx.x * std::int64_t{kRowWarps / kWarps} +
            static_cast<int>(threadIdx.x) / kThreads),
        thread(static_cast<int>(threadIdx.x) % kThreads) {}
};

/// A matrix of rows, and the launches over it.
struct Rows {
  std::int64_t count;
  int length;

  /// Rows along the last axis.
  static Rows of(const TensorType& type) {
    const std::int64_t length = type.shape[-1];
    return {length == 0 ? 0 : type.element_count() / length, static_cast<int>(length)};
  }
  bool are_long() const { return length >= kLongRow; }

  /// Launches the instantiation for one warp, or that for kRowWarps warps a row.
  template <class... Parameters, class... Arguments>
  void run(const char* name, void (*one_warp)(Parameters...), void (*whole_block)(Parameters...),
           cudaStream_t stream, const Arguments&... arguments) const {
    const std::int64_t blocks = are_long() ? count : ceil_div<std::int64_t>(count, kRowWarps);
    cuda::run(name, are_long() ? whole_block : one_warp, dim3(static_cast<unsigned>(blocks)),
              kRowWarps * kWarp, stream, arguments...);
  }
};

/// Why rows along the last axis of the first operand are too many or too long for 32-bit counts on
/// the device, or "".
inline std::string refuse_huge_rows(const Problem& problem) {
  const TensorType& type = problem.inputs.at(0);
  const std::int64_t length = type.shape[-1];
  const bool huge =
      length > INT32_MAX || type.element_count() / std::max<std::int64_t>(length, 1) > INT32_MAX;
  return huge ? "more than 2^31 rows, or elements of one" : "";
}

}  // namespace engine::cuda
