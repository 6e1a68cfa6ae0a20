// Long short-term memory (Hochreiter and Schmidhuber, 1997; with the forget gate of Gers,
// Schmidhuber and Cummins, 2000). Operands and frame in recurrent.h; the states are h and c, w is
// [I, 4H], r [H, 4H], b [4H], each with the gates in the order i, f, g, o (that of Keras, PyTorch
// and cuDNN), which is also that of the gates kept [T, N, 4H]:
//
//   i, f, o = σ(·), g = tanh(·) of x·w + (h ∘ scale)·r + b
//   c' = f ∘ c + i ∘ g
//   h' = o ∘ tanh(c')
//
// cells[t, n] is c after step t.
#pragma once

#include "kernels/recurrent.h"

namespace engine {

inline constexpr RecurrentCell kLstm{.op = "lstm",
                                     .states = 2,
                                     .gates = 4,
                                     .input_gates = 4,
                                     .recurrent_gates = 4,
                                     .two_biases = false};

}  // namespace engine
