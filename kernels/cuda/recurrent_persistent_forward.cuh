// The forward pass of a block; see recurrent_persistent.cuh.
#pragma once

#include "kernels/cuda/recurrent_persistent.cuh"

namespace engine::cuda {

template <class Cell, int kGroup>
constexpr int forward_buffers(int units) {
  return kGroup * padded_units(units) * (2 * Cell::kColumns + (Cell::kLate ? 2 : 1));
}

/// What a thread knows between two barriers.
template <class Cell, int kGroup>
struct ForwardBlock {
  static constexpr int kItems = Member<Cell, kGroup>::kItems;
  const ForwardLayer& layer;
  Member<Cell, kGroup> member;
  float* s;        ///< shared, [group, width]
  float *xw, *q;   ///< shared, [group, columns]
  float* operand;  ///< shared, [group, width], of a late cell
  States states[kItems] = {};
  float scale[kItems] = {};
  bool counts[kItems] = {};

  __device__ ForwardBlock(const ForwardLayer& given, float* shared)
      : layer(given),
        member(given.units),
        s(shared),
        xw(s + kGroup * member.width),
        q(xw + kGroup * member.columns),
        operand(q + kGroup * member.columns) {}

  /// The states before the first step.
  __device__ void start() {
    member.clear(s, kGroup * member.width);
    if (Cell::kLate) member.clear(operand, kGroup * member.width);
    __syncthreads();
    member.each_item(layer, [&](int item, int g, int n) {
      const std::int64_t i = std::int64_t{n} * layer.units + member.unit;
      states[item] = {value_at(layer.initial[0], i), value_at(layer.initial[1], i)};
      scale[item] = scale_at(layer, n, member.unit);
      s[g * member.width + member.unit] = states[item].h * scale[item];
    });
  }

  /// The thread's column of x·w at a step, for each sequence; 0 past the last step and sequence.
  __device__ void load_columns(int k, float (&to)[kGroup]) const {
#pragma unroll
    for (int g = 0; g < kGroup; ++g) {
      const int n = member.first + g;
      to[g] = 0.0f;
      if (k < layer.steps && n < layer.sequences && member.has_column())
        to[g] =
            layer.xw[(layer.row(n, layer.step_at(k)) * Cell::kColumns + member.gate) * layer.units +
                     member.unit];
    }
  }
  __device__ void load_counts(int t) {
    member.each_item(layer, [&](int item, int, int n) { counts[item] = counts_at(layer, n, t); });
  }

  /// What the late gate multiplies.
  __device__ void reset() {
    member.each_item(layer, [&](int, int g, int) {
      const float argument = member.element(xw, g, kResetGate) + member.element(q, g, kResetGate);
      const int i = g * member.width + member.unit;
      operand[i] = Cell::reset(argument) * s[i];
    });
  }

  __device__ void finish_step(int t) {
    member.each_item(layer, [&](int item, int g, int n) {
      float from_x[Cell::kColumns], from_s[Cell::kColumns];
#pragma unroll
      for (int gate = 0; gate < Cell::kColumns; ++gate) {
        from_x[gate] = member.element(xw, g, gate);
        from_s[gate] = member.element(q, g, gate);
      }
      states[item] =
          advance<Cell>(layer, n, t, member.unit, counts[item], from_x, from_s, states[item]);
      s[g * member.width + member.unit] = states[item].h * scale[item];
    });
  }

  __device__ void store_states() const {
    member.each_item(layer, [&](int item, int, int n) {
      const std::int64_t i = std::int64_t{n} * layer.units + member.unit;
      layer.states[0][i] = states[item].h;
      if (Cell::kStates == 2) layer.states[1][i] = states[item].c;
    });
  }
};

template <class Cell, int kGroup>
__global__ void __launch_bounds__(kMostThreads, 1)
    forward_persistent_kernel(const ForwardLayer layer) {
  ENGINE_DYNAMIC_SHARED(float, shared);
  ForwardBlock<Cell, kGroup> block(layer, shared);
  const Member<Cell, kGroup>& member = block.member;
  const std::int64_t column = std::int64_t{member.gate} * layer.units + member.unit;
  const ColumnOfWeights weights(layer.r + column, std::int64_t{Cell::kColumns} * layer.units,
                                member.has_column(), layer.units,
                                shared + forward_buffers<Cell, kGroup>(layer.units));
  const float bias = member.has_column() ? value_at(layer.recurrent_bias, column) : 0.0f;
  block.start();
  float next[kGroup];
  block.load_columns(0, next);
  __syncthreads();
  for (int k = 0; k < layer.steps; ++k) {
    const int t = layer.step_at(k);
    member.store(next, block.xw);
    block.load_columns(k + 1, next);
    block.load_counts(t);
    float sums[kGroup];
#pragma unroll
    for (int g = 0; g < kGroup; ++g) sums[g] = bias;
    if (!Cell::kLate || member.gate != kLateGate) weights.multiply(block.s, member.width, sums);
    member.store(sums, block.q);
    __syncthreads();
    if constexpr (Cell::kLate) {
      block.reset();
      __syncthreads();
      if (member.gate == kLateGate) {
        weights.multiply(block.operand, member.width, sums);
        member.store(sums, block.q);
      }
      __syncthreads();
    }
    block.finish_step(t);
    __syncthreads();
  }
  block.store_states();
}

}  // namespace engine::cuda
