// Masks of sequences: a thread an element.
#include "kernels/sequence_mask.h"

#include "engine/tune/registry.h"
#include "kernels/cuda/common.cuh"

namespace engine {
namespace cuda {
namespace {

constexpr int kThreads = 256;

__global__ void sequence_mask_kernel(const std::int32_t* lengths, std::uint8_t* to,
                                     const SequenceMask mask, std::int64_t count) {
  const std::int64_t i = blockIdx.x * std::int64_t{kThreads} + threadIdx.x;
  if (i < count) to[i] = mask.counts(i % mask.steps, lengths[i / mask.steps]);
}

__global__ void token_mask_kernel(const std::int32_t* tokens, std::uint8_t* to,
                                  std::int32_t padding, std::int64_t count) {
  const std::int64_t i = blockIdx.x * std::int64_t{kThreads} + threadIdx.x;
  if (i < count) to[i] = tokens[i] != padding;
}

SimpleCandidate::Launch prepare_sequence_mask(const Problem& problem) {
  return [mask = SequenceMask::from(problem.attributes),
          count = problem.outputs.at(0).element_count()](const LaunchArguments& launch) {
    if (count == 0) return;
    run("sequence_mask", sequence_mask_kernel,
        dim3(static_cast<unsigned>(ceil_div<std::int64_t>(count, kThreads))), kThreads,
        native_stream(launch.stream), launch.inputs[0].as<std::int32_t>(),
        launch.outputs[0].as<std::uint8_t>(), mask, count);
  };
}

SimpleCandidate::Launch prepare_token_mask(const Problem& problem) {
  return [padding = static_cast<std::int32_t>(TokenMask::from(problem.attributes).padding),
          count = problem.outputs.at(0).element_count()](const LaunchArguments& launch) {
    if (count == 0) return;
    run("token_mask", token_mask_kernel,
        dim3(static_cast<unsigned>(ceil_div<std::int64_t>(count, kThreads))), kThreads,
        native_stream(launch.stream), launch.inputs[0].as<std::int32_t>(),
        launch.outputs[0].as<std::uint8_t>(), padding, count);
  };
}

}  // namespace
}  // namespace cuda

void register_sequence_mask_cuda(CandidateRegistry& registry) {
  registry.add(SimpleCandidate{.op = "sequence_mask",
                               .backend = "cuda",
                               .id = "cuda.simt",
                               .prepare = cuda::prepare_sequence_mask});
  registry.add(SimpleCandidate{.op = "token_mask",
                               .backend = "cuda",
                               .id = "cuda.simt",
                               .prepare = cuda::prepare_token_mask});
}

}  // namespace engine
