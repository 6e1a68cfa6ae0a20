// Recurrent layers on the CPU: a block of sequences goes through all its steps on one thread, with
// its states in the cache and weights packed for the micro-kernel, so that no step waits for
// another thread. Gates are computed in columns of H, in the cell's own order: those that only x
// feeds first, those that only the state feeds last, so that either product fills neighbours.
#pragma once

#include <array>
#include <cstdint>

#include "engine/tune/registry.h"
#include "kernels/recurrent.h"

namespace engine::cpu {

/// A step of one sequence; every pointer is to H floats, or to columns · H.
struct ForwardRow {
  const float* z;          ///< columns before their functions
  const float *h, *c;      ///< the states before
  float *h_next, *c_next;  ///< and after; they may be the same
  float *y, *cell;         ///< the states after once more, as results
  float* gates;            ///< as they are kept
  std::int64_t units = 0;
};

struct BackwardRow {
  const float* gates;
  const float *h, *c;   ///< the states before
  const float* c_next;  ///< the cell's after
  float *dh, *dc;       ///< at the states after; then at those before, but for what r brings
  float* dz;            ///< columns: at the functions' arguments
  std::int64_t units = 0;
};

/// The reset gate of a gru that acts before the product with r: `operand` of gate n's product, and
/// what comes back from it.
struct ResetRow {
  const float* s;                    ///< the state, scaled
  const float* gate;                 ///< forwards r before its function, backwards as kept
  float* operand;                    ///< r ∘ s
  const float* d_operand = nullptr;  ///< backwards
  float* dr = nullptr;               ///< backwards, at the function's argument
  float* ds = nullptr;               ///< backwards, what is added: d_operand ∘ r
  std::int64_t units = 0;
};

struct RecurrentColumns {
  const RecurrentCell& cell;
  int count;                           ///< of H each
  std::array<int, 4> input_gates;      ///< of w, one a column from the first on
  int first_recurrent;                 ///< column
  int recurrent_count;                 ///< columns that the state feeds, without a late one
  std::array<int, 4> recurrent_gates;  ///< of r, one a column
  void (*forward)(const ForwardRow&);
  void (*backward)(const BackwardRow&);
  /// Column 0 is fed by reset · state, once the reset gate is known: gate n of r. Else nullptr.
  void (*reset_forward)(const ResetRow&) = nullptr;
  void (*reset_backward)(const ResetRow&) = nullptr;
  int reset_column = 0;

  bool late() const { return reset_forward != nullptr; }
};
inline constexpr int kLateGate = 2;  ///< of r: n of a gru

/// Registers the candidate "cpu.fused" for a cell and its gradient. `columns` must outlive it.
void add_recurrent(CandidateRegistry& registry, const RecurrentColumns& columns);

}  // namespace engine::cpu
