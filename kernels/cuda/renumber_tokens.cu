// Tokens numbered anew: a mark for every number that is a token, a prefix sum over the marks, which
// one block takes tile by tile, and a look-up for every token.
#include "kernels/renumber_tokens.h"

#include "engine/tune/registry.h"
#include "kernels/cuda/common.cuh"

namespace engine {
namespace cuda {
namespace {

constexpr int kScanWarps = 16;
constexpr int kScanThreads = kScanWarps * kWarp;

__device__ bool is_known(std::int32_t token, const RenumberExtents& n) {
  return token >= 0 && token < n.vocabulary;
}

/// places, all -1 before, is 0 where there is a token.
__global__ void mark_tokens_kernel(RenumberExtents n, const std::int32_t* tokens,
                                   std::int32_t* places) {
  const std::int64_t i = global_thread();
  if (i < n.tokens && is_known(tokens[i], n)) atomicMax(places + tokens[i], 0);
}

/// One block. What is marked gets its number in order.
__global__ void number_rows_kernel(RenumberExtents n, std::int32_t* places, std::int32_t* rows) {
  ENGINE_SHARED(int, marks, [kScanWarps]);
  const int thread = static_cast<int>(threadIdx.x), warp = thread / kWarp, lane = thread % kWarp;
  int count = 0;
  for (std::int64_t first = 0; first < n.vocabulary; first += kScanThreads) {
    const std::int64_t token = first + thread;
    const bool marked = token < n.vocabulary && places[token] == 0;
    const unsigned of_warp = __ballot_sync(kAllLanes, marked);
    if (lane == 0) marks[warp] = __popc(of_warp);
    __syncthreads();
    int place = count + __popc(of_warp & ((1u << lane) - 1));
    for (int w = 0; w < kScanWarps; ++w) {
      if (w < warp) place += marks[w];
      count += marks[w];
    }
    __syncthreads();  // marks may be written again
    if (!marked) continue;
    places[token] = place;
    rows[place] = static_cast<std::int32_t>(token);
  }
  for (std::int64_t i = count + thread; i < n.rows; i += kScanThreads) rows[i] = -1;
}

__global__ void number_tokens_kernel(RenumberExtents n, const std::int32_t* tokens,
                                     const std::int32_t* places, std::int32_t* numbers) {
  const std::int64_t i = global_thread();
  if (i < n.tokens) numbers[i] = is_known(tokens[i], n) ? places[tokens[i]] : -1;
}

void renumber(const RenumberExtents& n, const LaunchArguments& launch) {
  const auto* tokens = launch.inputs[0].as<std::int32_t>();
  auto* places = launch.outputs[2].as<std::int32_t>();
  const cudaStream_t stream = native_stream(launch.stream);
  const dim3 blocks(static_cast<unsigned>(ceil_div<std::int64_t>(n.tokens, kBlockThreads)));
  if (n.vocabulary > 0) launch.stream.fill(places, 0xff, launch.outputs[2].type.bytes());
  run("renumber_tokens", mark_tokens_kernel, blocks, kBlockThreads, stream, n, tokens, places);
  run("renumber_tokens", number_rows_kernel, dim3(1), kScanThreads, stream, n, places,
      launch.outputs[0].as<std::int32_t>());
  run("renumber_tokens", number_tokens_kernel, blocks, kBlockThreads, stream, n, tokens, places,
      launch.outputs[1].as<std::int32_t>());
}

}  // namespace
}  // namespace cuda

void register_renumber_tokens_cuda(CandidateRegistry& registry) {
  registry.add(SimpleCandidate{.op = "renumber_tokens",
                               .backend = "cuda",
                               .id = "cuda.simt",
                               .prepare = [](const Problem& p) {
                                 return
                                     [n = RenumberExtents::of(p)](const LaunchArguments& launch) {
                                       cuda::renumber(n, launch);
                                     };
                               }});
}

}  // namespace engine
