#include "kernels/cuda/recurrent_states.h"

#include "kernels/cuda/recurrent_steps.cuh"

namespace engine::cuda {
namespace {

__global__ void first_states_kernel(const ForwardLayer layer, float* s) {
  each_unit(layer, [&](std::int64_t i, int n, int u) {
    const float h = value_at(layer.initial[0], i);
    layer.states[0][i] = h;
    if (layer.states[1] != nullptr) layer.states[1][i] = value_at(layer.initial[1], i);
    s[i] = h * scale_at(layer, n, u);
  });
}

__global__ void first_gradients_kernel(const BackwardLayer layer, const BackwardBuffers buffers) {
  each_unit(layer, [&](std::int64_t i, int, int) {
    buffers.dh[i] = value_at(layer.dstates[0], i);
    buffers.dc[i] = value_at(layer.dstates[1], i);
  });
}

__global__ void last_gradients_kernel(const BackwardLayer layer, const BackwardBuffers buffers) {
  each_unit(layer, [&](std::int64_t i, int n, int u) {
    const float ds = layer.steps == 0 ? 0.0f : buffers.ds[i] * scale_at(layer, n, u);
    layer.dinitial[0][i] = buffers.dh[i] + ds;
    if (layer.dinitial[1] != nullptr) layer.dinitial[1][i] = buffers.dc[i];
  });
}

__global__ void state_rows_kernel(const BackwardLayer layer, int gates, float* s, float* operand) {
  const std::int64_t count = layer.row(layer.sequences, 0) * layer.units;
  for (std::int64_t i = global_thread(); i < count; i += global_thread_count()) {
    const int u = static_cast<int>(i % layer.units);
    const std::int64_t row = i / layer.units;
    const int n = static_cast<int>(row / layer.steps), t = static_cast<int>(row % layer.steps);
    const float state = state_before(layer, layer.initial[0], layer.y, n, layer.step_at(t), u) *
                        scale_at(layer, n, u);
    s[i] = state;
    if (operand == nullptr) continue;
    const std::int64_t reset = (layer.kept(n, t) * gates + kResetGate) * layer.units;
    operand[i] = layer.gates[reset + u] * state;
  }
}

dim3 unit_blocks(const SequenceSteps& layer) {
  return blocks_for(std::int64_t{layer.sequences} * layer.units, kBlockThreads);
}

}  // namespace

void launch_first_states(const ForwardLayer& layer, float* s, cudaStream_t stream) {
  run("first_states", first_states_kernel, unit_blocks(layer), kBlockThreads, stream, layer, s);
}

void launch_first_gradients(const BackwardLayer& layer, const BackwardBuffers& buffers,
                            cudaStream_t stream) {
  run("first_gradients", first_gradients_kernel, unit_blocks(layer), kBlockThreads, stream, layer,
      buffers);
}

void launch_last_gradients(const BackwardLayer& layer, const BackwardBuffers& buffers,
                           cudaStream_t stream) {
  run("last_gradients", last_gradients_kernel, unit_blocks(layer), kBlockThreads, stream, layer,
      buffers);
}

void launch_state_rows(const BackwardLayer& layer, int gates, float* s, float* operand,
                       cudaStream_t stream) {
  const std::int64_t count = layer.row(layer.sequences, 0) * layer.units;
  run("state_rows", state_rows_kernel, blocks_for(count, kBlockThreads), kBlockThreads, stream,
      layer, gates, s, operand);
}

}  // namespace engine::cuda
