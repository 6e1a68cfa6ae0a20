// Reductions on a CUDA device. Over the innermost axis a line belongs to one warp, or to a block
// where it is long; over any other one a block takes 32 neighbouring columns, and its warps share
// the rows. Long reductions are cut into segments of fixed length, whose partial results lie in the
// workspace and are reduced in a second launch.
#include "kernels/reduce.h"

#include "engine/tune/registry.h"
#include "kernels/cuda/common.cuh"

namespace engine {
namespace cuda {
namespace {

constexpr int kWarps = 8;  // of a block
constexpr int kThreads = kWarps * kWarp;
constexpr std::int64_t kSegment = 2048;  // elements of a reduction that are taken at once
constexpr std::int64_t kLongLine = 256;  // elements from which a line gets a block

struct Sum {
  static constexpr float kIdentity = 0;
  static __device__ float combine(float a, float b) { return a + b; }
};
// Keeps NaN: no comparison with it holds.
struct Max {
  static constexpr float kIdentity = -INFINITY;
  static __device__ float combine(float a, float b) { return b > a || b != b ? b : a; }
};

// [outer, reduced, inner] in segments of the middle axis; the result is [outer, segments, inner].
struct Reduction {
  std::int64_t outer, reduced, inner, segments;
  float divisor;

  __device__ std::int64_t begin(std::int64_t segment) const { return segment * kSegment; }
  __device__ std::int64_t end(std::int64_t segment) const {
    return segment + 1 == segments ? reduced : (segment + 1) * kSegment;
  }
};

// Of x[i·stride] for i = first, first + step, ... below end, with four accumulators.
template <class F>
__device__ float reduce_every(const float* x, std::int64_t first, std::int64_t end,
                              std::int64_t step, std::int64_t stride) {
  constexpr int kAccumulators = 4;
  float value[kAccumulators] = {F::kIdentity, F::kIdentity, F::kIdentity, F::kIdentity};
  for (std::int64_t i = first; i < end; i += kAccumulators * step)
#pragma unroll
    for (int k = 0; k < kAccumulators; ++k)
      if (i + k * step < end) value[k] = F::combine(value[k], x[(i + k * step) * stride]);
  return F::combine(F::combine(value[0], value[1]), F::combine(value[2], value[3]));
}

template <class F>
__device__ float reduce_warp(float value) {
  for (int offset = kWarp / 2; offset > 0; offset /= 2)
    value = F::combine(value, __shfl_xor_sync(kAllLanes, value, offset));
  return value;
}

// inner = 1. kLineWarps 1: a block of kWarps lines. Otherwise one line a block.
template <class F, int kLineWarps>
__global__ void lines_kernel(Reduction n, const float* x, float* y) {
  ENGINE_SHARED(float, partial, [kWarps]);
  constexpr int kLineThreads = kLineWarps * kWarp;
  const int thread = static_cast<int>(threadIdx.x) % kLineThreads;
  const std::int64_t line =
      blockIdx.x * std::int64_t{kWarps / kLineWarps} + static_cast<int>(threadIdx.x) / kLineThreads;
  if (line >= n.outer * n.segments) return;
  const std::int64_t segment = line % n.segments;
  float value = reduce_every<F>(x + line / n.segments * n.reduced, n.begin(segment) + thread,
                                n.end(segment), kLineThreads, 1);
  value = reduce_warp<F>(value);
  if constexpr (kLineWarps > 1) {
    if (thread % kWarp == 0) partial[thread / kWarp] = value;
    __syncthreads();
    value = partial[0];
    for (int warp = 1; warp < kWarps; ++warp) value = F::combine(value, partial[warp]);
  }
  if (thread == 0) y[line] = value / n.divisor;
}

// inner > 1. A block: 32 columns of one segment.
template <class F>
__global__ void columns_kernel(Reduction n, const float* x, float* y) {
  ENGINE_SHARED(float, partial, [kWarps][kWarp]);
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  const std::int64_t across = ceil_div<std::int64_t>(n.inner, kWarp);
  const std::int64_t place = blockIdx.x / across, segment = place % n.segments;
  const std::int64_t column = blockIdx.x % across * kWarp + lane;
  if (column < n.inner)
    partial[warp][lane] = reduce_every<F>(x + place / n.segments * n.reduced * n.inner + column,
                                          n.begin(segment) + warp, n.end(segment), kWarps, n.inner);
  __syncthreads();
  if (warp != 0 || column >= n.inner) return;
  float value = partial[0][lane];
  for (int w = 1; w < kWarps; ++w) value = F::combine(value, partial[w][lane]);
  y[place * n.inner + column] = value / n.divisor;
}

unsigned blocks(std::int64_t count) {
  return static_cast<unsigned>(count);
}

template <class F>
void launch_once(const Reduction& n, const float* x, float* y, cudaStream_t stream) {
  const std::int64_t lines = n.outer * n.segments;
  if (n.inner != 1)
    run("reduce", columns_kernel<F>, dim3(blocks(lines * ceil_div<std::int64_t>(n.inner, kWarp))),
        kThreads, stream, n, x, y);
  else if (n.reduced >= kLongLine)
    run("reduce", lines_kernel<F, kWarps>, dim3(blocks(lines)), kThreads, stream, n, x, y);
  else
    run("reduce", lines_kernel<F, 1>, dim3(blocks(ceil_div<std::int64_t>(lines, kWarps))), kThreads,
        stream, n, x, y);
}

std::int64_t segments_of(const ReduceExtents& n) {
  return n.reduced <= 2 * kSegment ? 1 : ceil_div(n.reduced, kSegment);
}

template <class F>
void launch_reduce(const LaunchArguments& arguments, const ReduceExtents& n, float divisor) {
  const cudaStream_t stream = native_stream(arguments.stream);
  const float* x = arguments.inputs[0].as<float>();
  float* y = arguments.outputs[0].as<float>();
  const std::int64_t segments = segments_of(n);
  if (segments == 1) {
    launch_once<F>({n.outer, n.reduced, n.inner, 1, divisor}, x, y, stream);
    return;
  }
  auto* partial = static_cast<float*>(arguments.workspace);
  launch_once<F>({n.outer, n.reduced, n.inner, segments, 1}, x, partial, stream);
  launch_once<F>({n.outer, segments, n.inner, 1, divisor}, partial, y, stream);
}

SimpleCandidate::Launch prepare_reduce(const Problem& problem) {
  const ReduceKind kind = ReduceAttributes::from(problem.attributes).kind;
  const auto n = ReduceExtents::of(problem);
  const float divisor = kind == ReduceKind::mean ? static_cast<float>(n.reduced) : 1.0f;
  return [n, divisor, is_max = kind == ReduceKind::max](const LaunchArguments& arguments) {
    is_max ? launch_reduce<Max>(arguments, n, divisor) : launch_reduce<Sum>(arguments, n, divisor);
  };
}

std::size_t reduce_workspace(const Problem& problem) {
  const auto n = ReduceExtents::of(problem);
  const std::int64_t segments = segments_of(n);
  return segments == 1 ? 0 : static_cast<std::size_t>(n.results() * segments) * sizeof(float);
}

__device__ bool is_largest(float x, float largest) {
  return x == largest || (x != x && largest != largest);
}

// inner = 1: a warp a line.
__global__ void max_gradient_lines_kernel(ReduceExtents n, const float* dy, const float* x,
                                          const float* y, float* dx) {
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const std::int64_t line = global_thread() / kWarp;
  if (line >= n.outer) return;
  const float largest = y[line];
  bool found = false;
  for (std::int64_t base = 0; base < n.reduced; base += kWarp) {
    const std::int64_t at = line * n.reduced + base + lane;
    const bool exists = base + lane < n.reduced;
    const unsigned matches = __ballot_sync(kAllLanes, exists && is_largest(x[at], largest));
    const bool first = !found && lane + 1 == __ffs(static_cast<int>(matches));
    if (exists) dx[at] = first ? dy[line] : 0.0f;
    found = found || matches != 0;
  }
}

// inner > 1: a thread a result.
__global__ void max_gradient_columns_kernel(ReduceExtents n, const float* dy, const float* x,
                                            const float* y, float* dx) {
  const std::int64_t result = global_thread();
  if (result >= n.outer * n.inner) return;
  const float largest = y[result];
  std::int64_t at = result / n.inner * n.reduced * n.inner + result % n.inner;
  bool found = false;
  for (std::int64_t r = 0; r < n.reduced; ++r, at += n.inner) {
    const bool here = !found && is_largest(x[at], largest);
    dx[at] = here ? dy[result] : 0.0f;
    found = found || here;
  }
}

SimpleCandidate::Launch prepare_max_gradient(const Problem& problem) {
  return [n = ReduceExtents::of(problem)](const LaunchArguments& arguments) {
    const std::int64_t threads = n.results() * (n.inner == 1 ? kWarp : 1);
    run("reduce_max_gradient",
        n.inner == 1 ? max_gradient_lines_kernel : max_gradient_columns_kernel,
        dim3(blocks(ceil_div<std::int64_t>(threads, kThreads))), kThreads,
        native_stream(arguments.stream), n,
        static_cast<const float*>(arguments.inputs[0].as<float>()),
        static_cast<const float*>(arguments.inputs[1].as<float>()),
        static_cast<const float*>(arguments.inputs[2].as<float>()),
        arguments.outputs[0].as<float>());
  };
}

// A grid has at most 2^31 blocks, and a line takes a block at most.
std::string refuse_huge(const Problem& problem) {
  const auto n = ReduceExtents::of(problem);
  return n.results() * segments_of(n) > INT32_MAX ? "more than 2^31 results" : "";
}

}  // namespace
}  // namespace cuda

void register_reduce_cuda(CandidateRegistry& registry) {
  registry.add(SimpleCandidate{.op = "reduce",
                               .backend = "cuda",
                               .id = "cuda.simt",
                               .prepare = cuda::prepare_reduce,
                               .workspace = cuda::reduce_workspace,
                               .refuse = cuda::refuse_huge});
  registry.add(SimpleCandidate{.op = "reduce_max_gradient",
                               .backend = "cuda",
                               .id = "cuda.simt",
                               .prepare = cuda::prepare_max_gradient,
                               .refuse = cuda::refuse_huge});
}

}  // namespace engine
