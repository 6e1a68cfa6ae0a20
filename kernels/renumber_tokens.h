// renumber_tokens: tokens i32[...] of rank 1 or more, numbered anew by those among them that
// differ:
//
//   rows      i32[N]     the different tokens that lie in [0, V), ascending, then -1
//   numbers   i32[...]   of every token its index in rows; -1 for one outside [0, V)
//   places    i32[V]     of every number below V its index in rows; -1 for one that is no token
//
// V is the attribute "vocabulary", and N the smaller of V and the number of tokens. What is done
// with rows of a table by `tokens` can so be done by `numbers` with the rows of a smaller one.
#pragma once

#include "engine/tune/problem.h"

namespace engine {

struct RenumberExtents {
  std::int64_t tokens, vocabulary, rows;  ///< of the operands above; rows is N

  static RenumberExtents of(const Problem& problem) {
    return {problem.inputs[0].element_count(), problem.outputs[2].element_count(),
            problem.outputs[0].element_count()};
  }
};

}  // namespace engine
