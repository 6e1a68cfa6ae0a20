// A step of a recurrent layer as launches of its own, between products: one thread a unit of a
// sequence.
#pragma once

#include "kernels/cuda/recurrent_layer.cuh"

namespace engine::cuda {

/// The unit that a thread begins with, and those that follow where there are more than threads.
template <class Body>
__device__ void each_unit(const SequenceSteps& layer, const Body& body) {
  const std::int64_t count = std::int64_t{layer.sequences} * layer.units;
  for (std::int64_t i = global_thread(); i < count; i += global_thread_count())
    body(i, static_cast<int>(i / layer.units), static_cast<int>(i % layer.units));
}

template <class Cell>
__global__ void forward_step_kernel(const ForwardLayer layer, const ForwardBuffers buffers, int k) {
  const int t = layer.step_at(k), units = layer.units;
  each_unit(layer, [&](std::int64_t i, int n, int u) {
    float xw[Cell::kColumns], q[Cell::kColumns];
#pragma unroll
    for (int gate = 0; gate < Cell::kColumns; ++gate) {
      xw[gate] = layer.xw[(layer.row(n, t) * Cell::kColumns + gate) * units + u];
      q[gate] = gate_row<Cell>(buffers.q, n, gate, units)[u];
    }
    const States before{layer.states[0][i], Cell::kStates == 2 ? layer.states[1][i] : 0.0f};
    const States after = advance<Cell>(layer, n, t, u, counts_at(layer, n, t), xw, q, before);
    layer.states[0][i] = after.h;
    if (Cell::kStates == 2) layer.states[1][i] = after.c;
    buffers.s[i] = after.h * scale_at(layer, n, u);
  });
}

template <class Cell>
__global__ void reset_step_kernel(const ForwardLayer layer, const ForwardBuffers buffers, int k) {
  const int t = layer.step_at(k), units = layer.units;
  each_unit(layer, [&](std::int64_t i, int n, int u) {
    const float xw = layer.xw[(layer.row(n, t) * Cell::kColumns + kResetGate) * units + u];
    const float q = gate_row<Cell>(buffers.q, n, kResetGate, units)[u];
    buffers.operand[i] = Cell::reset(xw + q) * buffers.s[i];
  });
}

template <class Cell>
__global__ void backward_step_kernel(const BackwardLayer layer, const BackwardBuffers buffers,
                                     int k) {
  const int t = layer.step_at(k);
  each_unit(layer, [&](std::int64_t i, int n, int u) {
    const StepValues<Cell> values = load_step<Cell>(layer, n, k, u);
    States d{buffers.dh[i] + values.dy, Cell::kStates == 2 ? buffers.dc[i] : 0.0f};
    if (k + 1 < layer.steps) d.h += buffers.ds[i] * scale_at(layer, n, u);
    float dq[Cell::kColumns];
    const States before = retreat<Cell>(layer, values, n, t, u, d, dq);
    buffers.dh[i] = before.h;
    if (Cell::kStates == 2) buffers.dc[i] = before.c;
#pragma unroll
    for (int gate = 0; gate < Cell::kColumns; ++gate)
      if (!Cell::kLate || gate != kResetGate)
        gate_row<Cell>(buffers.dq, n, gate, layer.units)[u] = dq[gate];
  });
}

template <class Cell>
__global__ void reset_backward_step_kernel(const BackwardLayer layer, const BackwardBuffers buffers,
                                           int k) {
  const int t = layer.step_at(k);
  each_unit(layer, [&](std::int64_t i, int n, int u) {
    const StepValues<Cell> values = load_step<Cell>(layer, n, k, u);
    const float d_operand = buffers.d_operand[i], scale = scale_at(layer, n, u);
    gate_row<Cell>(buffers.dq, n, kResetGate, layer.units)[u] =
        retreat_reset<Cell>(layer, values, n, t, u, scale, d_operand);
    buffers.dh[i] += d_operand * values.gates[kResetGate] * scale;
  });
}

/// A launch of one of these kernels.
template <auto kKernel, class Layer, class Buffers>
void run_step(const Layer& layer, const Buffers& buffers, int k, cudaStream_t stream) {
  const std::int64_t count = std::int64_t{layer.sequences} * layer.units;
  run("recurrent_step", kKernel, blocks_for(count, kBlockThreads), kBlockThreads, stream, layer,
      buffers, k);
}

}  // namespace engine::cuda
