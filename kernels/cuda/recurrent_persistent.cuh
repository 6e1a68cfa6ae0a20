// A block takes a group of sequences through all steps and waits for no other block. Its threads
// are the columns of r, each gate's rounded up to whole warps: a thread keeps kHeldRows elements of
// its column in registers, and what is left of it in shared memory. Between products, thread [gate,
// unit] cares for that unit of the sequences gate, gate + columns, ... of the group: their states
// stay in its registers. What it reads of global memory at the next step is asked for before the
// products of this one.
#pragma once

#include "kernels/cuda/recurrent_layer.cuh"

namespace engine::cuda {

inline constexpr int kHeldRows = 40;

/// H, rounded up to whole warps.
__host__ __device__ constexpr int padded_units(int units) {
  return ceil_div(units, kWarp) * kWarp;
}
/// Rows of r that registers do not hold, rounded up to four.
__host__ __device__ constexpr int shared_rows(int units) {
  return units <= kHeldRows ? 0 : ceil_div(units - kHeldRows, 4) * 4;
}

/// A thread's column of r, or of its transpose.
struct ColumnOfWeights {
  float held[kHeldRows];
  const float* rest;  ///< from row kHeldRows on, blockDim.x apart
  int rows;

  /// Of `count` rows, `stride` apart, or of zeros where there is no column.
  __device__ ColumnOfWeights(const float* column, std::int64_t stride, bool present, int count,
                             float* shared)
      : rest(shared + threadIdx.x), rows(count) {
#pragma unroll
    for (int v = 0; v < kHeldRows; ++v) held[v] = present && v < count ? column[v * stride] : 0.0f;
    for (int v = 0; v < shared_rows(count); ++v)
      shared[v * static_cast<int>(blockDim.x) + static_cast<int>(threadIdx.x)] =
          present && kHeldRows + v < count ? column[(kHeldRows + v) * stride] : 0.0f;
  }

  /// sums[g] += operand g · column. Operands are zero from `rows` on to the next multiple of four.
  template <int kGroup>
  __device__ void multiply(const float* operands, int stride, float (&sums)[kGroup]) const {
#pragma unroll
    for (int v = 0; v < kHeldRows; v += 4) {
      if (v >= rows) break;
      add(operands + v, stride, held[v], held[v + 1], held[v + 2], held[v + 3], sums);
    }
    const int apart = static_cast<int>(blockDim.x);
    const float* w = rest;
    for (int v = kHeldRows; v < rows; v += 4, w += 4 * apart)
      add(operands + v, stride, w[0], w[apart], w[2 * apart], w[3 * apart], sums);
  }

 private:
  template <int kGroup>
  __device__ static void add(const float* operands, int stride, float w0, float w1, float w2,
                             float w3, float (&sums)[kGroup]) {
#pragma unroll
    for (int g = 0; g < kGroup; ++g) {
      const float4 s = *reinterpret_cast<const float4*>(operands + g * stride);
      sums[g] += s.x * w0;
      sums[g] += s.y * w1;
      sums[g] += s.z * w2;
      sums[g] += s.w * w3;
    }
  }
};

/// A thread's place in its block.
template <class Cell, int kGroup>
struct Member {
  static constexpr int kItems = ceil_div(kGroup, Cell::kColumns);  ///< sequences that it cares for
  int units, width, columns;
  int thread, gate, unit;
  int first;  ///< sequence of the group

  __device__ explicit Member(int count)
      : units(count),
        width(padded_units(count)),
        columns(Cell::kColumns * width),
        thread(static_cast<int>(threadIdx.x)),
        gate(thread / width),
        unit(thread % width),
        first(static_cast<int>(blockIdx.x) * kGroup) {}

  __device__ bool has_column() const { return unit < units; }

  /// body(item, place in the group, sequence) for each sequence that is there.
  template <class Body>
  __device__ void each_item(const SequenceSteps& layer, const Body& body) const {
#pragma unroll
    for (int item = 0; item < kItems; ++item) {
      const int g = item * Cell::kColumns + gate;
      if (has_column() && g < kGroup && first + g < layer.sequences) body(item, g, first + g);
    }
  }
  /// The unit's element of a gate in a buffer of [group, columns].
  __device__ float& element(float* buffer, int g, int of) const {
    return buffer[g * columns + of * width + unit];
  }
  /// The thread's column for each sequence of the group.
  __device__ void store(const float (&values)[kGroup], float* buffer) const {
#pragma unroll
    for (int g = 0; g < kGroup; ++g) buffer[g * columns + thread] = values[g];
  }
  __device__ static void clear(float* buffer, int count) {
    for (int i = static_cast<int>(threadIdx.x); i < count; i += static_cast<int>(blockDim.x))
      buffer[i] = 0.0f;
  }
};

template <class Cell>
int persistent_threads(int units) {
  return Cell::kColumns * padded_units(units);
}

/// A direction of a cell: how its kernel is launched, with kBuffers(units) floats of shared memory
/// beside the rows of r.
template <class Cell, int kGroup, class Layer, auto kKernel, int kBuffers(int)>
struct PersistentLaunch {
  static std::size_t shared_bytes(int units) {
    const int rows = shared_rows(units) * persistent_threads<Cell>(units);
    return static_cast<std::size_t>(kBuffers(units) + rows) * sizeof(float);
  }
  static void allow_shared_bytes(std::size_t bytes) {
    ENGINE_CUDA_CHECK(allow_shared_memory(kKernel, bytes));
  }
  static void run(const Layer& layer, cudaStream_t stream) {
    constexpr const char* name = "recurrent_persistent";
    if (layer.sequences == 0) return;
    require_context(name);
    const dim3 blocks(static_cast<unsigned>(ceil_div(layer.sequences, kGroup)));
    const dim3 threads(static_cast<unsigned>(persistent_threads<Cell>(layer.units)));
    check(cuda::launch(kKernel, blocks, threads, shared_bytes(layer.units), stream, layer), name);
  }
  static constexpr PersistentKernel<Layer> table() {
    return {run, shared_bytes, allow_shared_bytes};
  }
};

}  // namespace engine::cuda
