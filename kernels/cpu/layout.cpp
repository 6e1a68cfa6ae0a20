// Conversion between layouts on the CPU: observations are transposed, on all threads.
#include "kernels/layout.h"

#include <cstring>

#include "engine/core/bfloat16.h"
#include "engine/device/cpu/parallel.h"
#include "engine/tune/registry.h"
#include "kernels/cpu/simd.h"
#include "kernels/cpu/transpose.h"

namespace engine {
namespace cpu {
namespace {

template <class T>
void convert(const LaunchArguments& arguments) {
  const TensorView &x = arguments.inputs[0], &y = arguments.outputs[0];
  const ImageExtents image = ImageExtents::of(x.type);
  const bool rows = x.type.layout == Layout::row_major;
  const std::int64_t grain = kElementGrain / std::max<std::int64_t>(1, image.size()) + 1;
  parallel_for(image.batch, grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n)
      transpose(x.as<T>() + n * image.size(), y.as<T>() + n * image.size(),
                rows ? image.channels : image.positions, rows ? image.positions : image.channels,
                [](T element, std::int64_t) { return element; });
  });
}

SimpleCandidate::Launch prepare(const Problem& problem) {
  const TensorType &x = problem.inputs[0], &y = problem.outputs[0];
  if (x.layout != y.layout) return x.dtype == DType::bf16 ? convert<bfloat16> : convert<float>;
  return [bytes = x.bytes()](const LaunchArguments& arguments) {
    if (bytes > 0) std::memcpy(arguments.outputs[0].data, arguments.inputs[0].data, bytes);
  };
}

}  // namespace
}  // namespace cpu

void register_layout_cpu(CandidateRegistry& registry) {
  registry.add(SimpleCandidate{
      .op = "to_layout", .backend = "cpu", .id = "cpu.transpose", .prepare = cpu::prepare});
}

}  // namespace engine
