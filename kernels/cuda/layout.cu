// Conversion between layouts on a CUDA device: a block moves 32 by 32 elements of an observation
// through shared memory, so that both sides are touched in whole lines; rows of the tile are 33
// elements apart, so that neither direction meets a bank twice.
#include "kernels/layout.h"

#include "engine/core/bfloat16.h"
#include "engine/tune/registry.h"
#include "kernels/cuda/common.cuh"

namespace engine {
namespace cuda {
namespace {

constexpr int kChangeTile = 32;

struct LayoutChange {
  std::int64_t rows, columns;  ///< of an observation, as x has it
  std::int64_t down, across, tiles;

  LayoutChange(std::int64_t r, std::int64_t c, std::int64_t batch)
      : rows(r),
        columns(c),
        down(ceil_div<std::int64_t>(r, kChangeTile)),
        across(ceil_div<std::int64_t>(c, kChangeTile)),
        tiles(batch * down * across) {}
};

template <class T>
__global__ void change_layout_kernel(LayoutChange t, const T* x, T* y) {
  ENGINE_SHARED(T, tile, [kChangeTile][kChangeTile + 1]);
  const int lane = static_cast<int>(threadIdx.x) % kChangeTile;
  const int first = static_cast<int>(threadIdx.x) / kChangeTile;
  for (std::int64_t index = blockIdx.x; index < t.tiles; index += gridDim.x) {
    const std::int64_t image = index / (t.down * t.across) * t.rows * t.columns;
    const std::int64_t row = index / t.across % t.down * kChangeTile,
                       column = index % t.across * kChangeTile;
    for (int r = first; r < kChangeTile; r += kBlockThreads / kChangeTile)
      if (row + r < t.rows && column + lane < t.columns)
        tile[r][lane] = x[image + (row + r) * t.columns + column + lane];
    __syncthreads();
    for (int c = first; c < kChangeTile; c += kBlockThreads / kChangeTile)
      if (column + c < t.columns && row + lane < t.rows)
        y[image + (column + c) * t.rows + row + lane] = tile[lane][c];
    __syncthreads();  // the tile is written again
  }
}

template <class T>
__global__ void copy_image_kernel(const T* x, T* y, std::int64_t count) {
  for (std::int64_t i = global_thread(); i < count; i += global_thread_count()) y[i] = x[i];
}

template <class T>
void convert(const LaunchArguments& launch) {
  const TensorView &x = launch.inputs[0], &y = launch.outputs[0];
  const ImageExtents image = ImageExtents::of(x.type);
  const cudaStream_t stream = native_stream(launch.stream);
  const T* from = static_cast<const T*>(x.data);
  T* to = static_cast<T*>(y.data);
  if (x.type.layout == y.type.layout) {
    run("to_layout", copy_image_kernel<T>, blocks_for(image.count(), kBlockThreads), kBlockThreads,
        stream, from, to, image.count());
    return;
  }
  const bool rows = x.type.layout == Layout::row_major;
  const LayoutChange t(rows ? image.channels : image.positions,
                       rows ? image.positions : image.channels, image.batch);
  run("to_layout", change_layout_kernel<T>, blocks_for(t.tiles, 1), kBlockThreads, stream, t, from,
      to);
}

SimpleCandidate::Launch prepare_layout(const Problem& problem) {
  return problem.inputs.at(0).dtype == DType::bf16 ? convert<std::uint16_t>
                                                   : convert<std::uint32_t>;
}

}  // namespace
}  // namespace cuda

void register_layout_cuda(CandidateRegistry& registry) {
  registry.add(SimpleCandidate{.op = "to_layout",
                               .backend = "cuda",
                               .id = "cuda.transpose",
                               .prepare = cuda::prepare_layout});
}

}  // namespace engine
