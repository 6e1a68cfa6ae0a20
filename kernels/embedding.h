// embedding: rows of a trained table by number.
//
//   embedding            table f32[V, D], tokens i32[...] -> y [..., D], f32 or bf16 (attribute
//                        "to"): y of a token is its row of the table
//   embedding_gradient   dy [..., D] f32 or bf16, tokens -> f32[V, D] (attribute "vocabulary", V):
//                        row t is the sum of dy over the tokens that are t, in f32
//
// Tokens have rank 1 or more. One outside [0, V) has a row of zeros, and no gradient.
#pragma once

#include "engine/tune/problem.h"

namespace engine {

/// c of the error bound of sums of many terms one after another (KernelCandidate::error_factor).
inline constexpr double kEmbeddingGradientError = 64;

struct EmbeddingExtents {
  std::int64_t vocabulary, width;  ///< V, D
  std::int64_t tokens;             ///< in all

  bool holds(std::int32_t token) const { return token >= 0 && token < vocabulary; }

  /// Of either op.
  static EmbeddingExtents of(const Problem& problem) {
    const bool forward = problem.op == "embedding";
    const Shape& table = (forward ? problem.inputs : problem.outputs)[0].shape;
    return {table[0], table[1], problem.inputs[1].element_count()};
  }
};

}  // namespace engine
