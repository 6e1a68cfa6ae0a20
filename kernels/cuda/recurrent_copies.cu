#include "kernels/cuda/recurrent_copies.h"

#include <algorithm>

#include "engine/core/error.h"
#include "engine/core/host_device.h"
#include "kernels/cuda/common.cuh"

namespace engine::cuda {
namespace {

struct Transpositions {
  Transposition list[kMostTranspositions];
};

// A tile a block, read and written along rows of 32 neighbours.
constexpr int kTile = kWarp, kTileRows = 8;

__global__ void transposition_kernel(const Transpositions transpositions) {
  ENGINE_SHARED(float, tile, [kTile][kTile + 1]);
  const Transposition& t = transpositions.list[blockIdx.z];
  const int lane = static_cast<int>(threadIdx.x) % kTile,
            first = static_cast<int>(threadIdx.x) / kTile;
  const int row = static_cast<int>(blockIdx.y) * kTile,
            column = static_cast<int>(blockIdx.x) * kTile;
  for (int i = first; i < kTile; i += kTileRows)
    if (row + i < t.rows && column + lane < t.columns)
      tile[i][lane] = t.from[std::int64_t{row + i} * t.from_stride + column + lane];
  __syncthreads();
  for (int i = first; i < kTile; i += kTileRows)
    if (column + i < t.columns && row + lane < t.rows)
      t.to[std::int64_t{column + i} * t.to_stride + row + lane] = tile[lane][i];
}

__global__ void block_copy_kernel(const float* from, int from_stride, float* to, int to_stride,
                                  int rows, int columns) {
  const std::int64_t count = std::int64_t{rows} * columns;
  for (std::int64_t i = global_thread(); i < count; i += global_thread_count()) {
    const std::int64_t row = i / columns, column = i % columns;
    to[row * to_stride + column] = from[row * from_stride + column];
  }
}

// From [outer, inner, features] to [inner, outer, features], an element of the result a thread; the
// axis of the steps, one of the two, may be reversed.
struct Exchange {
  unsigned outer, inner, features;
  bool reverse_outer, reverse_inner;

  ENGINE_HOST_DEVICE unsigned count() const { return outer * inner * features; }
};

__global__ void exchange_kernel(const float* from, float* to, const Exchange e) {
  const unsigned at = static_cast<unsigned>(global_thread());
  if (at >= e.count()) return;
  const unsigned row = at / e.features, feature = at - row * e.features;
  unsigned inner = row / e.outer, outer = row - inner * e.outer;
  if (e.reverse_outer) outer = e.outer - 1 - outer;
  if (e.reverse_inner) inner = e.inner - 1 - inner;
  to[at] = from[(outer * e.inner + inner) * e.features + feature];
}

void launch_exchange(const float* from, float* to, const Exchange& e, cudaStream_t stream) {
  run("exchange", exchange_kernel, dim3(ceil_div<unsigned>(e.count(), kBlockThreads)),
      kBlockThreads, stream, from, to, e);
}

}  // namespace

void launch_transpositions(std::span<const Transposition> list, cudaStream_t stream) {
  ENGINE_CHECK(list.size() <= kMostTranspositions, "too many transpositions for a launch");
  Transpositions transpositions{};
  int rows = 0, columns = 0;
  for (std::size_t i = 0; i < list.size(); ++i) {
    transpositions.list[i] = list[i];
    rows = std::max(rows, list[i].rows);
    columns = std::max(columns, list[i].columns);
  }
  const dim3 tiles(static_cast<unsigned>(ceil_div(columns, kTile)),
                   static_cast<unsigned>(ceil_div(rows, kTile)),
                   static_cast<unsigned>(list.size()));
  run("transposition", transposition_kernel, tiles, kTile * kTileRows, stream, transpositions);
}

void launch_block_copy(const float* from, int from_stride, float* to, int to_stride, int rows,
                       int columns, cudaStream_t stream) {
  run("block_copy", block_copy_kernel, blocks_for(std::int64_t{rows} * columns, kBlockThreads),
      kBlockThreads, stream, from, from_stride, to, to_stride, rows, columns);
}

void launch_steps_first(const float* from, float* to, const Sequences& n, cudaStream_t stream) {
  launch_exchange(from, to, {n.sequences, n.steps, n.features, false, n.reverse}, stream);
}

void launch_sequences_first(const float* from, float* to, const Sequences& n, cudaStream_t stream) {
  launch_exchange(from, to, {n.steps, n.sequences, n.features, n.reverse, false}, stream);
}

}  // namespace engine::cuda
