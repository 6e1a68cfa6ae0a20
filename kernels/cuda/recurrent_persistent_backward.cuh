// The backward pass of a block; see recurrent_persistent.cuh. Column [gate, unit] is row `unit` of
// that gate's block of r: its product is what the gate brings to ds.
#pragma once

#include "kernels/cuda/recurrent_persistent.cuh"

namespace engine::cuda {

template <class Cell, int kGroup>
constexpr int backward_buffers(int units) {
  return kGroup * padded_units(units) * 2 * Cell::kColumns;
}

/// What a thread knows between two barriers.
template <class Cell, int kGroup>
struct BackwardBlock {
  static constexpr int kItems = Member<Cell, kGroup>::kItems;
  const BackwardLayer& layer;
  Member<Cell, kGroup> member;
  float *dq, *products;  ///< shared, [group, columns]
  States d[kItems] = {};
  float scale[kItems] = {};
  StepValues<Cell> values[kItems] = {};

  __device__ BackwardBlock(const BackwardLayer& given, float* shared)
      : layer(given), member(given.units), dq(shared), products(shared + kGroup * member.columns) {}

  /// The gradients at the states after the last step.
  __device__ void start() {
    member.clear(dq, kGroup * member.columns);
    member.clear(products, kGroup * member.columns);
    __syncthreads();
    member.each_item(layer, [&](int item, int, int n) {
      const std::int64_t i = std::int64_t{n} * layer.units + member.unit;
      d[item] = {value_at(layer.dstates[0], i), value_at(layer.dstates[1], i)};
      scale[item] = scale_at(layer, n, member.unit);
    });
  }

  __device__ void load(int k) {
    if (k < 0) return;
    member.each_item(layer, [&](int item, int, int n) {
      values[item] = load_step<Cell>(layer, n, k, member.unit);
    });
  }

  /// What the products brought to the unit's state; zeros before the first.
  __device__ void add_products(int item, int g) {
    float ds = 0;
#pragma unroll
    for (int gate = 0; gate < Cell::kColumns; ++gate)
      if (!Cell::kLate || gate != kLateGate) ds += member.element(products, g, gate);
    d[item].h += ds * scale[item];
  }

  __device__ void multiply(const ColumnOfWeights& weights) const {
    float sums[kGroup] = {};
    weights.multiply(dq + member.gate * member.width, member.columns, sums);
    member.store(sums, products);
  }

  __device__ void begin_step(int t) {
    member.each_item(layer, [&](int item, int g, int n) {
      add_products(item, g);
      d[item].h += values[item].dy;
      float at_r[Cell::kColumns];
      d[item] = retreat<Cell>(layer, values[item], n, t, member.unit, d[item], at_r);
#pragma unroll
      for (int gate = 0; gate < Cell::kColumns; ++gate)
        if (!Cell::kLate || gate != kResetGate) member.element(dq, g, gate) = at_r[gate];
    });
  }

  /// Once the late gate's product is there.
  __device__ void reset(int t) {
    member.each_item(layer, [&](int item, int g, int n) {
      const float d_operand = member.element(products, g, kLateGate);
      member.element(dq, g, kResetGate) =
          retreat_reset<Cell>(layer, values[item], n, t, member.unit, scale[item], d_operand);
      d[item].h += d_operand * values[item].gates[kResetGate] * scale[item];
    });
  }

  __device__ void store_gradients() {
    if (layer.dinitial[0] == nullptr) return;
    member.each_item(layer, [&](int item, int g, int n) {
      const std::int64_t i = std::int64_t{n} * layer.units + member.unit;
      add_products(item, g);
      layer.dinitial[0][i] = d[item].h;
      if (Cell::kStates == 2) layer.dinitial[1][i] = d[item].c;
    });
  }
};

template <class Cell, int kGroup>
__global__ void __launch_bounds__(kMostThreads, 1)
    backward_persistent_kernel(const BackwardLayer layer) {
  ENGINE_DYNAMIC_SHARED(float, shared);
  BackwardBlock<Cell, kGroup> block(layer, shared);
  const Member<Cell, kGroup>& member = block.member;
  const std::int64_t column = std::int64_t{member.gate} * layer.units * layer.units + member.unit;
  const ColumnOfWeights weights(layer.transposed_r + column, layer.units, member.has_column(),
                                layer.units, shared + backward_buffers<Cell, kGroup>(layer.units));
  block.start();
  block.load(layer.steps - 1);
  for (int k = layer.steps - 1; k >= 0; --k) {
    const int t = layer.step_at(k);
    block.begin_step(t);
    if constexpr (Cell::kLate) {
      __syncthreads();
      if (member.gate == kLateGate) block.multiply(weights);
      __syncthreads();
      block.reset(t);
    }
    block.load(k - 1);
    __syncthreads();
    if (!Cell::kLate || member.gate != kLateGate) block.multiply(weights);
    __syncthreads();
  }
  block.store_gradients();
}

}  // namespace engine::cuda
