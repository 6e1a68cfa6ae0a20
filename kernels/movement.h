// Ops that move elements and change none, for any dtype of four bytes.
//
//   broadcast    x -> y of "shape", as in NumPy: aligned at the last axis, extents of 1 repeat
//   concatenate  n tensors that agree but for "axis" -> one after the other along it
//   slice        x -> y[i] = x[i + begin], of "extents"
//   pad          x -> y[i + before] = x[i], of extents before + x + after; elsewhere "value" (real)
//   transpose    x -> y[i_0, i_1, ...] with axis k of y being axis "permutation"[k] of x
//   reshape      x -> y of "shape" with as many elements, in the same order. y may be x.
//
// Lists are text attributes: "begin=0,2,1". Every op comes down to strided copies, which is all
// that a back end brings.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/tune/problem.h"
#include "kernels/strided.h"

namespace engine {

/// "2,0,1", and back. Throws InternalError for text that is no such list.
std::string print_list(std::span<const std::int64_t> values);
std::vector<std::int64_t> parse_list(const std::string& text);

/// One copy: operand 0 of the loop is the output, operand 1 the input.
struct StridedCopy {
  enum Operand : std::size_t { to, from };

  std::size_t input = 0;
  StridedLoop loop;  ///< of rank 2 at least, without loops that could be one
  std::int64_t to_offset = 0, from_offset = 0;

  /// Whether input and output are one block in the same order.
  bool is_plain() const;
};

/// What a problem of these ops comes down to.
struct MovementPlan {
  std::optional<std::uint32_t> fill;  ///< a word that goes everywhere first
  std::vector<StridedCopy> copies;    ///< into places apart from each other

  static MovementPlan of(const Problem& problem);
};

/// The names of the ops.
std::span<const std::string> movement_ops();

/// Why a problem is refused, or "".
std::string refuse_movement(const Problem& problem);

}  // namespace engine
