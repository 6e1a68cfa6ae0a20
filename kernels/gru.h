// Gated recurrent units (Cho et al., EMNLP 2014). Operands and frame in recurrent.h; the state is
// h, w is [I, 3H], r [H, 3H], each with the gates in the order z, r, n (that of Keras). The reset
// gate acts before the product with r, as published, in the op gru:
//
//   z, r = σ(·) of x·w + s·r + b,  s = h ∘ scale,  b [3H]
//   n = tanh(x·w_n + (r ∘ s)·r_n + b_n)
//   h' = z ∘ h + (1 - z) ∘ n                        gates kept [T, N, 3H]: z, r, n
//
// or after it, as cuDNN, PyTorch and Keras have it, in gru_reset_after:
//
//   z, r = σ(·) of x·w + s·r + b + b',              b [2, 3H]: b and b'
//   q = s·r_n + b'_n,  n = tanh(x·w_n + b_n + r ∘ q)
//   h' as above                                     gates kept [T, N, 4H]: z, r, n, q
#pragma once

#include "kernels/recurrent.h"

namespace engine {

inline constexpr RecurrentCell kGru{.op = "gru",
                                    .states = 1,
                                    .gates = 3,
                                    .input_gates = 3,
                                    .recurrent_gates = 3,
                                    .two_biases = false};
inline constexpr RecurrentCell kGruResetAfter{.op = "gru_reset_after",
                                              .states = 1,
                                              .gates = 4,
                                              .input_gates = 3,
                                              .recurrent_gates = 3,
                                              .two_biases = true};

}  // namespace engine
