// What lstm and gru share: layers that go through N sequences of T steps with one cell of H units.
// A layer is one op over whole sequences, and so is its gradient.
//
//   <cell>           x[N, T, I], w[I, wH], r[H, rH], b (, initial states [N, H] each)
//                    (, mask u8[N, T]) (, scale[N, H])
//                    -> y[N, T, H]; final states [N, H] each; gates[T, N, gH] (, cells[T, N, H])
//   <cell>_gradient  (dy[N, T, H]) (, d of each final state [N, H]); all inputs of <cell>; y; gates
//                    (, cells)
//                    -> dw, dr, db (, d of each initial state) (, dx)
//
// All but the mask are f32. Steps are gone through from 0 to T - 1, or the other way round where
// "reverse" is set; y[n, t] is the state after step t in either case. Without initial states they
// are 0.
//
// A step whose mask is 0 leaves the states of its sequence as they are: y repeats the state before.
// So the final states are those after the last step that counts, wherever the padding is, and no
// gradient flows through x at such a step. Its gates (and what it would have made of the cell) are
// those of a step that counts.
//
// `scale` multiplies the state on its way into the products with r, by the same numbers at every
// step: recurrent drop-out (Gal and Ghahramani, NIPS 2016) with the numbers 0 and 1 / (1 - rate).
//
// Gates, and an lstm's cells, are what the gradient reads; nothing else that is kept grows with T.
// Without "keep" they are no outputs. Of an op without sequences outputs are empty and gradients of
// parameters 0; without steps the final states are the initial ones.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/tune/problem.h"

namespace engine {

/// Which operands a problem has beside those it always has: flags of these names.
struct RecurrentAttributes {
  bool initial = false;  ///< initial states
  bool mask = false;
  bool scale = false;
  bool reverse = false;
  bool keep = true;  ///< gates and cells are outputs

  /// Of gradients: which outputs have one ("dy", "dstates", the latter all or none), and whether
  /// that of x is wanted ("dx").
  bool sequence_gradient = false;
  bool state_gradients = false;
  bool input_gradient = false;

  static RecurrentAttributes from(const Attributes& attributes);
  Attributes to_attributes(bool gradient) const;
};

/// What makes the cell of one op another's. Gates are blocks of H columns.
struct RecurrentCell {
  const char* op;
  int states;           ///< 1, or 2 with the cell's own
  int gates;            ///< kept
  int input_gates;      ///< columns of w
  int recurrent_gates;  ///< columns of r
  bool two_biases;      ///< b is [2, input_gates · H], what is added to x·w and to h·r, else
                        ///< [input_gates · H]
};

struct RecurrentExtents {
  std::int64_t sequences, steps, inputs, units;  ///< N, T, I, H
  /// Of a layer's or its gradient's problem.
  static RecurrentExtents of(const Problem& problem, const RecurrentCell& cell);
};

/// Where the operands of a problem are. Those that are not there have the place kNone.
struct RecurrentPlaces {
  static constexpr std::size_t kNone = SIZE_MAX;
  std::size_t dy = kNone, dstates = kNone;  ///< dstates: the first of cell.states
  std::size_t x, w, r, b;
  std::size_t initial = kNone, mask = kNone, scale = kNone;
  std::size_t y = kNone, gates = kNone, cells = kNone;  ///< of a gradient
  std::size_t count;

  RecurrentPlaces(const RecurrentAttributes& attributes, const RecurrentCell& cell, bool gradient);
};

/// Where the outputs are.
struct RecurrentResults {
  static constexpr std::size_t kNone = SIZE_MAX;
  std::size_t y = 0, states = 1, gates = kNone, cells = kNone;
  std::size_t count;

  RecurrentResults(const RecurrentAttributes& attributes, const RecurrentCell& cell);
};
struct RecurrentGradients {
  static constexpr std::size_t kNone = SIZE_MAX;
  std::size_t dw = 0, dr = 1, db = 2, initial = kNone, dx = kNone;
  std::size_t count;

  RecurrentGradients(const RecurrentAttributes& attributes, const RecurrentCell& cell);
};

/// c of the bound: products of I + H terms a step (see product_error_factor), whose errors the next
/// steps pass on.
double recurrent_error_factor(const RecurrentExtents& extents);

}  // namespace engine
