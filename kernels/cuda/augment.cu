// Shifted and mirrored images. A block works on one image, so a thread draws that image's shift
// once and then copies several pixels; neighbours in a warp read neighbours, but for the edges.
#include "kernels/augment.h"

#include <algorithm>

#include "engine/core/bfloat16.h"
#include "engine/tune/registry.h"
#include "kernels/cuda/common.cuh"

namespace engine {
namespace cuda {
namespace {

constexpr int kPixelsPerThread = 4;

/// `size` elements an image; fewer than 2^31, see ops/augment.cpp.
template <class T>
__global__ void augment_kernel(Augmentation a, const std::int64_t* step, const T* x, T* y,
                               std::int32_t size) {
  const AugmentDraw draw = draw_augmentation(a, static_cast<std::uint64_t>(*step), blockIdx.x);
  const T* image = x + static_cast<std::int64_t>(blockIdx.x) * size;
  T* out = y + static_cast<std::int64_t>(blockIdx.x) * size;
  const std::int64_t stride = static_cast<std::int64_t>(gridDim.y) * kBlockThreads;
  for (std::int64_t e = static_cast<std::int64_t>(blockIdx.y) * kBlockThreads + threadIdx.x;
       e < size; e += stride) {
    const auto at = static_cast<std::int32_t>(e);
    const std::int32_t row = at / a.width, j = at - row * a.width;
    const std::int32_t plane = row / a.height, i = row - plane * a.height;
    const std::int32_t column = draw.mirrored ? a.width - 1 - j : j;
    const std::int32_t source =
        (plane * a.height + nearest_inside(i + draw.down, a.height)) * a.width +
        nearest_inside(column + draw.right, a.width);
    out[at] = image[source];
  }
}

template <class T>
void launch_augment(const LaunchArguments& launch, const Augmentation& a) {
  constexpr std::int64_t kMostBlocks = 65535;
  const Shape& shape = launch.inputs[0].type.shape;
  const std::int64_t size = shape.elements_after(0);
  const std::int64_t blocks = ceil_div<std::int64_t>(size, kBlockThreads * kPixelsPerThread);
  run("augment", augment_kernel<T>,
      dim3(static_cast<unsigned>(shape[0]), static_cast<unsigned>(std::min(blocks, kMostBlocks))),
      kBlockThreads, native_stream(launch.stream), a, launch.inputs[1].as<std::int64_t>(),
      launch.inputs[0].as<T>(), launch.outputs[0].as<T>(), static_cast<std::int32_t>(size));
}

SimpleCandidate::Launch prepare_augment(const Problem& problem) {
  const Augmentation a(AugmentAttributes::from(problem.attributes), problem.inputs.at(0).shape);
  switch (problem.inputs.at(0).dtype) {
    case DType::u8:
      return [a](const LaunchArguments& launch) { launch_augment<std::uint8_t>(launch, a); };
    case DType::bf16:
      return [a](const LaunchArguments& launch) { launch_augment<bfloat16>(launch, a); };
    default:
      return [a](const LaunchArguments& launch) { launch_augment<float>(launch, a); };
  }
}

}  // namespace
}  // namespace cuda

void register_augment_cuda(CandidateRegistry& registry) {
  registry.add(SimpleCandidate{
      .op = "augment", .backend = "cuda", .id = "cuda.simt", .prepare = cuda::prepare_augment});
}

}  // namespace engine
