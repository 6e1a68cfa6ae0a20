// What the kernels of recurrent layers are given, and what one thread does for one unit of one
// sequence at one step: the same whether a step is a launch or a turn of a loop in a block.
//
// A cell is a struct of static functions over the columns of one unit (LstmCell in lstm.cu). The
// products x·w and s·r have as many columns of H as w and r have; where a cell is `kLate`, column
// kLateGate of r multiplies not the state s but reset ∘ s. Rows of products over all steps are in
// the order of x, [N, T], so that they are plain matrices to whoever multiplies them.
#pragma once

#include "kernels/cuda/common.cuh"
#include "kernels/cuda/recurrent.h"

namespace engine::cuda {

inline constexpr int kResetGate = 1, kLateGate = 2;  ///< of r

struct States {
  float h, c;
};

/// What a step of the backward pass reads.
template <class Cell>
struct StepValues {
  float gates[Cell::kGates];
  float h;           ///< before the step, of cells that read it
  float c, c_after;  ///< of cells that have one
  float dy;
  bool counts;
};

/// One gate of a row of what is laid out by the gates of r.
template <class Cell>
__device__ float* gate_row(const GateRows& rows, std::int64_t row, int gate, int units) {
  if (!Cell::kLate) return rows.first + (row * Cell::kColumns + gate) * units;
  return gate == kLateGate ? rows.late + row * units
                           : rows.first + (row * kLateGate + gate) * units;
}

/// Whether step t of sequence n counts.
__device__ inline bool counts_at(const SequenceSteps& layer, int n, int t) {
  return layer.mask == nullptr || layer.mask[layer.row(n, t)] != 0;
}
__device__ inline float scale_at(const SequenceSteps& layer, int n, int u) {
  return layer.scale == nullptr ? 1.0f : layer.scale[std::int64_t{n} * layer.units + u];
}
__device__ inline float value_at(const float* matrix, std::int64_t element) {
  return matrix == nullptr ? 0.0f : matrix[element];
}
/// h before step k in the order of the steps.
__device__ inline float state_before(const SequenceSteps& layer, const float* initial,
                                     const float* y, int n, int k, int u) {
  if (k == 0) return value_at(initial, std::int64_t{n} * layer.units + u);
  return y[layer.row(n, layer.step_at(k - 1)) * layer.units + u];
}

/// Goes one step on: stores what is kept of it, and gives the states after it.
template <class Cell>
__device__ States advance(const ForwardLayer& layer, int n, int t, int u, bool counts,
                          const float (&xw)[Cell::kColumns], const float (&q)[Cell::kColumns],
                          States before) {
  float gates[Cell::kGates];
  const States made = Cell::forward(xw, q, before, gates);
  const States after = counts ? made : before;
  const std::int64_t kept = layer.kept(n, t);
  if (layer.gates != nullptr) {
#pragma unroll
    for (int gate = 0; gate < Cell::kGates; ++gate)
      layer.gates[(kept * Cell::kGates + gate) * layer.units + u] = gates[gate];
    if constexpr (Cell::kStates == 2) layer.cells[kept * layer.units + u] = after.c;
  }
  layer.y[layer.row(n, t) * layer.units + u] = after.h;
  return after;
}

template <class Cell>
__device__ StepValues<Cell> load_step(const BackwardLayer& layer, int n, int k, int u) {
  StepValues<Cell> values{};
  const int t = layer.step_at(k);
  const std::int64_t kept = layer.kept(n, t);
#pragma unroll
  for (int gate = 0; gate < Cell::kGates; ++gate)
    values.gates[gate] = layer.gates[(kept * Cell::kGates + gate) * layer.units + u];
  if constexpr (Cell::kStates == 2) {
    values.c = k == 0 ? value_at(layer.initial[1], std::int64_t{n} * layer.units + u)
                      : layer.cells[layer.kept(n, layer.step_at(k - 1)) * layer.units + u];
    values.c_after = layer.cells[kept * layer.units + u];
  } else {
    values.h = state_before(layer, layer.initial[0], layer.y, n, k, u);
  }
  values.dy = value_at(layer.dy, layer.row(n, t) * layer.units + u);
  values.counts = counts_at(layer, n, t);
  return values;
}

/// Stores the gradients at the products of one gate.
template <class Cell>
__device__ void store_gate(const BackwardLayer& layer, std::int64_t row, int gate, int u, float dz,
                           float dq) {
  layer.dz[(row * Cell::kColumns + gate) * layer.units + u] = dz;
  if constexpr (Cell::kLate || Cell::kTwoGradients)
    gate_row<Cell>(layer.dq, row, gate, layer.units)[u] = dq;
}

/// Goes one step back, to what the states before it get beside the gradients `dq` at s·r; of a late
/// cell without the reset gate's, which waits for what comes back from the product behind it.
template <class Cell>
__device__ States retreat(const BackwardLayer& layer, const StepValues<Cell>& values, int n, int t,
                          int u, States d, float (&dq)[Cell::kColumns]) {
  float dz[Cell::kColumns] = {};
  States before = Cell::backward(values, d, dz, dq);
  if (!values.counts) before = d;
#pragma unroll
  for (int gate = 0; gate < Cell::kColumns; ++gate) {
    if (!values.counts) dz[gate] = dq[gate] = 0.0f;
    if (Cell::kLate && gate == kResetGate) continue;
    store_gate<Cell>(layer, layer.row(n, t), gate, u, dz[gate], dq[gate]);
  }
  return before;
}

/// The reset gate's part of a step back, from the gradient at reset ∘ s: gives the gradient at its
/// product.
template <class Cell>
__device__ float retreat_reset(const BackwardLayer& layer, const StepValues<Cell>& values, int n,
                               int t, int u, float scale, float d_operand) {
  const float reset = values.gates[kResetGate];
  const float dz = values.counts ? d_operand * values.h * scale * reset * (1.0f - reset) : 0.0f;
  store_gate<Cell>(layer, layer.row(n, t), kResetGate, u, dz, dz);
  return dz;
}

}  // namespace engine::cuda
