// The observations of one batch, one thread an entry: the shuffle is computed, never stored.
#include "kernels/batch_indices.h"

#include "engine/tune/registry.h"
#include "kernels/cuda/common.cuh"

namespace engine {
namespace cuda {
namespace {

__global__ void batch_indices_kernel(BatchIndicesAttributes attributes, const std::int64_t* step,
                                     std::int32_t* indices, std::int64_t count) {
  const std::int64_t i = global_thread();
  if (i < count) indices[i] = batch_index(attributes, *step, i);
}

SimpleCandidate::Launch prepare_batch_indices(const Problem& problem) {
  return [attributes =
              BatchIndicesAttributes::from(problem.attributes)](const LaunchArguments& launch) {
    constexpr int kThreads = 128;
    const TensorView& indices = launch.outputs[0];
    const std::int64_t count = indices.type.element_count();
    run("batch_indices", batch_indices_kernel,
        dim3(static_cast<unsigned>(ceil_div<std::int64_t>(count, kThreads))), kThreads,
        native_stream(launch.stream), attributes, launch.inputs[0].as<std::int64_t>(),
        indices.as<std::int32_t>(), count);
  };
}

}  // namespace
}  // namespace cuda

void register_batch_indices_cuda(CandidateRegistry& registry) {
  registry.add(SimpleCandidate{.op = "batch_indices",
                               .backend = "cuda",
                               .id = "cuda.simt",
                               .prepare = cuda::prepare_batch_indices});
}

}  // namespace engine
