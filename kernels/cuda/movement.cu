// Strided copies on a CUDA device, in words of four bytes.
//
// Threads run over the output's elements in order; where both sides are dense along the innermost
// loop, sixteen bytes at a time. A transposition, where the input is dense along another loop, goes
// through tiles of 32 by 32 words in shared memory, so that both sides are touched in whole lines;
// tile rows are 33 words apart, so that neither direction meets a bank twice.
#include "kernels/movement.h"

#include "engine/tune/registry.h"
#include "kernels/cuda/strided.cuh"

namespace engine {
namespace cuda {
namespace {

using Word = std::uint32_t;
constexpr int kTile = 32;
constexpr std::int64_t kLeastTransposed = 8;  // extents from which tiles pay

template <class Unit>
__global__ void copy_kernel(DeviceLoop loop, Unit* to, const Unit* from) {
  const auto index = static_cast<std::uint32_t>(global_thread());
  if (index >= loop.count) return;
  const auto offsets = loop.offsets(index);
  to[offsets.at[StridedCopy::to]] = from[offsets.at[StridedCopy::from]];
}

__global__ void fill_kernel(Word* to, std::int64_t count, Word word) {
  for (std::int64_t i = global_thread(); i < count; i += global_thread_count()) to[i] = word;
}

// Rows are dense in the input, columns in the output. `outer` loops over the rest.
struct Transposition {
  DeviceLoop outer;
  std::int64_t rows, columns;
  std::int64_t from_column_stride, to_row_stride;

  std::int64_t tiles_across() const { return ceil_div<std::int64_t>(columns, kTile); }
  std::int64_t tiles() const { return tiles_across() * ceil_div<std::int64_t>(rows, kTile); }
};

__global__ void transpose_kernel(Transposition t, Divisor tiles, Divisor across, Word* to,
                                 const Word* from) {
  ENGINE_SHARED(Word, tile, [kTile][kTile + 1]);
  const std::uint32_t index = tiles.quotient(blockIdx.x);
  const std::uint32_t place = blockIdx.x - index * tiles.divisor;
  const std::int64_t row = std::int64_t{across.quotient(place)} * kTile;
  const std::int64_t column = std::int64_t{place - across.quotient(place) * across.divisor} * kTile;
  const auto offsets = t.outer.offsets(index);
  const int lane = static_cast<int>(threadIdx.x) % kTile;
  const int first = static_cast<int>(threadIdx.x) / kTile;
  const Word* source = from + offsets.at[StridedCopy::from] + row + lane;
  for (int c = first; c < kTile; c += kBlockThreads / kTile)
    if (row + lane < t.rows && column + c < t.columns)
      tile[c][lane] = source[(column + c) * t.from_column_stride];
  __syncthreads();
  Word* target = to + offsets.at[StridedCopy::to] + column + lane;
  for (int r = first; r < kTile; r += kBlockThreads / kTile)
    if (row + r < t.rows && column + lane < t.columns)
      target[(row + r) * t.to_row_stride] = tile[lane][r];
}

// Whether the copy is a transposition that tiles help, with its rows second innermost.
bool transposes(StridedLoop& loop) {
  return loop.stride(0)[StridedCopy::to] == 1 && loop.bring_unit_stride_inside(StridedCopy::from) &&
         loop.stride(0)[StridedCopy::from] != 0 && loop.extent(0) >= kLeastTransposed &&
         loop.extent(1) >= kLeastTransposed;
}

void transpose(const StridedLoop& loop, Word* to, const Word* from, cudaStream_t stream) {
  StridedLoop outer = loop;
  outer.rank -= 2;
  const Transposition t{DeviceLoop(outer), loop.extent(1), loop.extent(0),
                        loop.stride(0)[StridedCopy::from], loop.stride(1)[StridedCopy::to]};
  run("transpose", transpose_kernel, dim3(static_cast<unsigned>(t.tiles() * outer.count())),
      kBlockThreads, stream, t, Divisor(t.tiles()), Divisor(t.tiles_across()), to, from);
}

void copy(const StridedCopy& step, Word* to, const Word* from, cudaStream_t stream) {
  to += step.to_offset;
  from += step.from_offset;
  StridedLoop loop = step.loop;
  if (transposes(loop)) return transpose(loop, to, from, stream);
  StridedLoop groups = step.loop;
  if (is_aligned_for_4(to) && is_aligned_for_4(from) && group_by_four(groups, 2, false))
    run("copy", copy_kernel<uint4>, blocks_for_all(groups, kBlockThreads), kBlockThreads, stream,
        DeviceLoop(groups), reinterpret_cast<uint4*>(to), reinterpret_cast<const uint4*>(from));
  else
    run("copy", copy_kernel<Word>, blocks_for_all(step.loop, kBlockThreads), kBlockThreads, stream,
        DeviceLoop(step.loop), to, from);
}

SimpleCandidate::Launch prepare(const Problem& problem) {
  return [plan = MovementPlan::of(problem)](const LaunchArguments& arguments) {
    const TensorView& y = arguments.outputs[0];
    const cudaStream_t stream = native_stream(arguments.stream);
    auto* to = static_cast<Word*>(y.data);
    if (plan.fill)
      run("fill", fill_kernel, blocks_for(y.type.element_count(), kBlockThreads), kBlockThreads,
          stream, to, y.type.element_count(), *plan.fill);
    for (const StridedCopy& step : plan.copies) {
      const auto* from = static_cast<const Word*>(arguments.inputs[step.input].data);
      if (from == to && step.is_plain()) continue;  // reshaped in place
      copy(step, to, from, stream);
    }
  };
}

std::string refuse(const Problem& problem) {
  const std::string why = refuse_movement(problem);
  return why.empty() ? refuse_huge_loop(problem) : why;
}

}  // namespace
}  // namespace cuda

void register_movement_cuda(CandidateRegistry& registry) {
  for (const std::string& op : movement_ops())
    registry.add(SimpleCandidate{.op = op,
                                 .backend = "cuda",
                                 .id = "cuda.simt",
                                 .prepare = cuda::prepare,
                                 .refuse = cuda::refuse});
}

}  // namespace engine
