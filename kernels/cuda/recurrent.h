// Recurrent layers on CUDA. The products that do not wait for a step, x·w and all of the gradients
// of w, r, b and x, are dense problems over N·T rows, solved by a candidate of dense; what is left
// is the chain through the steps, as a launch or two a step ("steps"), or as blocks that take a
// group of sequences through all steps with r in registers and shared memory ("persistent").
#pragma once

#include <array>
#include <cstdint>

#include "engine/core/host_device.h"
#include "engine/device/cuda/check.h"
#include "engine/tune/registry.h"
#include "kernels/recurrent.h"

namespace engine::cuda {

/// What both directions know of the sequences. Operands that are not there are nullptr.
struct SequenceSteps {
  int sequences, steps, units;
  bool reverse;
  const std::uint8_t* mask;
  const float* scale;

  ENGINE_HOST_DEVICE int step_at(int k) const { return reverse ? steps - 1 - k : k; }
  /// Of x, y and all products.
  ENGINE_HOST_DEVICE std::int64_t row(int n, int t) const { return std::int64_t{n} * steps + t; }
  /// Of gates and cells.
  ENGINE_HOST_DEVICE std::int64_t kept(int n, int t) const {
    return std::int64_t{t} * sequences + n;
  }
};

/// Rows by the gates of r, [rows, columns · H]; of a late cell [rows, 2H] without the late gate,
/// whose rows are another matrix, [rows, H].
struct GateRows {
  float *first = nullptr, *late = nullptr;
};

struct ForwardLayer : SequenceSteps {
  const float* xw = nullptr;  ///< x·w + b
  const float* initial[2] = {};
  float *y = nullptr, *states[2] = {};
  float *gates = nullptr, *cells = nullptr;             ///< unless nothing is kept
  const float *r = nullptr, *recurrent_bias = nullptr;  ///< what is added to s·r, where it is
};

struct BackwardLayer : SequenceSteps {
  const float *dy = nullptr, *dstates[2] = {}, *initial[2] = {};
  const float *y = nullptr, *gates = nullptr, *cells = nullptr;
  float* dz = nullptr;                  ///< at x·w + b, [N, T, columns · H]
  GateRows dq = {};                     ///< at s·r, for all rows, unless they are dz
  float* dinitial[2] = {};              ///< unless there are no initial states
  const float* transposed_r = nullptr;  ///< [columns · H, H], of blocks
};

/// What a step leaves to the next launch, all [N, H] but for rows by gates.
struct ForwardBuffers {
  float *s, *operand;  ///< what r multiplies; the latter of a late cell
  GateRows q;          ///< s·r
};
struct BackwardBuffers {
  float *dh, *dc;
  GateRows dq;
  float *ds, *d_operand;  ///< at s and, of a late cell, at reset ∘ s
};

/// The kernels that take `group` sequences a block through all steps: launches of a direction, its
/// bytes of dynamic shared memory for layers of so many units, and leave to have as many.
template <class Layer>
struct PersistentKernel {
  void (*run)(const Layer&, cudaStream_t);
  std::size_t (*shared_bytes)(int units);
  void (*allow_shared_bytes)(std::size_t);
};
struct PersistentChain {
  int group;
  PersistentKernel<ForwardLayer> forward;
  PersistentKernel<BackwardLayer> backward;
};
inline constexpr int kMostThreads = 512;  ///< of their blocks: 128 registers each

/// The kernels of one cell.
struct RecurrentKernels {
  const RecurrentCell& cell;
  bool late;           ///< gate n of r multiplies reset ∘ s
  bool two_gradients;  ///< those at s·r differ from those at x·w
  void (*forward_step)(const ForwardLayer&, const ForwardBuffers&, int k, cudaStream_t);
  void (*reset_step)(const ForwardLayer&, const ForwardBuffers&, int k, cudaStream_t);
  void (*backward_step)(const BackwardLayer&, const BackwardBuffers&, int k, cudaStream_t);
  void (*reset_backward_step)(const BackwardLayer&, const BackwardBuffers&, int k, cudaStream_t);
  std::array<PersistentChain, 3> persistent;
  int (*persistent_threads)(int units);

  int columns() const { return cell.recurrent_gates; }
  /// Columns of each matrix that r is to the products: a late gate is one of its own.
  std::array<int, 2> parts() const { return {late ? 2 : columns(), late ? 1 : 0}; }
  int part_count() const { return late ? 2 : 1; }
};

/// Registers "cuda.steps" and "cuda.persistent" of a cell and its gradient, and the same with
/// products of cuBLASLt: "cublaslt.steps", "cublaslt.persistent". `kernels` must outlive them.
void add_recurrent(CandidateRegistry& registry, const RecurrentKernels& kernels);

}  // namespace engine::cuda
