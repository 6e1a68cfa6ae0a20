#include "kernels/batch_guard.h"

#include "engine/tune/registry.h"
#include "kernels/cuda/common.cuh"

namespace engine {
namespace cuda {
namespace {

__global__ void batch_guard_kernel(BatchGuardAttributes attributes, const std::int64_t* step,
                                   float* guard) {
  *guard = batch_guard(attributes, *step);
}

SimpleCandidate::Launch prepare_batch_guard(const Problem& problem) {
  return
      [attributes = BatchGuardAttributes::from(problem.attributes)](const LaunchArguments& launch) {
        run("batch_guard", batch_guard_kernel, dim3(1), 1, native_stream(launch.stream), attributes,
            launch.inputs[0].as<std::int64_t>(), launch.outputs[0].as<float>());
      };
}

}  // namespace
}  // namespace cuda

void register_batch_guard_cuda(CandidateRegistry& registry) {
  registry.add(SimpleCandidate{.op = "batch_guard",
                               .backend = "cuda",
                               .id = "cuda.thread",
                               .prepare = cuda::prepare_batch_guard});
}

}  // namespace engine
