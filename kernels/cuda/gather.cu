// Rows of a device-resident data set by index, converted on the way. Threads run over the elements
// of the result, so that a warp reads and writes neighbours; bytes are taken four at a time where
// rows allow it.
#include "kernels/gather.h"

#include "engine/tune/registry.h"
#include "kernels/cuda/quad.cuh"

namespace engine {
namespace cuda {
namespace {

/// Units are elements, or groups of four that are neighbours in the data and in the result.
struct GatherRows {
  const std::int32_t* indices;
  std::int64_t batch;
  std::int64_t rows;      ///< N
  std::int64_t row_size;  ///< units of a row
  std::int64_t channels;  ///< that the result or the normalization tells apart
  bool transposes;        ///< into a channels-last result

  struct Source {
    std::int64_t unit;  ///< or -1 for a row that does not exist
    std::int64_t channel;
  };
  /// Where unit `i` of the result comes from.
  __device__ Source source(std::int64_t i) const {
    const std::int64_t row = indices[i / row_size], place = i % row_size;
    const std::int64_t begin = row < 0 || row >= rows ? -1 : row * row_size;
    if (channels == 1) return {begin < 0 ? -1 : begin + place, 0};
    const std::int64_t positions = row_size / channels;
    const std::int64_t channel = transposes ? place % channels : place / positions;
    const std::int64_t unit = transposes ? channel * positions + place / channels : place;
    return {begin < 0 ? -1 : begin + unit, channel};
  }
};

struct ToInteger {
  template <class T>
  __device__ std::int32_t operator()(T x, std::int64_t) const {
    return static_cast<std::int32_t>(x);
  }
};

template <class In, class Out, class F>
__global__ void gather_kernel(GatherRows rows, F convert, const In* data, Out* out) {
  const std::int64_t count = rows.batch * rows.row_size;
  for (std::int64_t i = global_thread(); i < count; i += global_thread_count()) {
    const GatherRows::Source source = rows.source(i);
    out[i] = Out(convert(source.unit < 0 ? In{} : data[source.unit], source.channel));
  }
}

/// `Group` is four neighbours.
template <class Group, class Out>
__global__ void gather_quads_kernel(GatherRows rows, Normalization convert, const Group* data,
                                    Out* out) {
  const std::int64_t count = rows.batch * rows.row_size;
  for (std::int64_t i = global_thread(); i < count; i += global_thread_count()) {
    const GatherRows::Source source = rows.source(i);
    const Group v = source.unit < 0 ? Group{} : data[source.unit];
    const auto at = [&](auto x) { return convert(x, source.channel); };
    store_floats(out + i * 4, make_float4(at(v.x), at(v.y), at(v.z), at(v.w)));
  }
}

GatherRows rows_of(const LaunchArguments& launch, std::int32_t normalized_apart) {
  const Shape& data = launch.inputs[0].type.shape;
  const bool transposes = launch.outputs[0].type.layout == Layout::channels_last;
  return {launch.inputs[1].as<std::int32_t>(),
          launch.inputs[1].type.element_count(),
          data[0],
          data.elements_after(0),
          transposes || normalized_apart > 1 ? data[1] : 1,
          transposes};
}

// `Group` is four neighbouring elements of type `In`.
template <class In, class Group, class Out>
void gather_reals(const LaunchArguments& launch, const Normalization& convert) {
  GatherRows rows = rows_of(launch, convert.count);
  const auto* data = launch.inputs[0].as<In>();
  auto* out = launch.outputs[0].as<Out>();
  const cudaStream_t stream = native_stream(launch.stream);
  const bool neighbours = !rows.transposes && rows.row_size % (4 * rows.channels) == 0;
  if (neighbours && is_aligned_for_4(data) && is_aligned_for_4(out)) {
    rows.row_size /= 4;
    run("gather", gather_quads_kernel<Group, Out>,
        blocks_for(rows.batch * rows.row_size, kBlockThreads), kBlockThreads, stream, rows, convert,
        reinterpret_cast<const Group*>(data), out);
  } else {
    run("gather", gather_kernel<In, Out, Normalization>,
        blocks_for(rows.batch * rows.row_size, kBlockThreads), kBlockThreads, stream, rows, convert,
        data, out);
  }
}

template <class In>
void gather_integers(const LaunchArguments& launch) {
  const GatherRows rows = rows_of(launch, 1);
  run("gather", gather_kernel<In, std::int32_t, ToInteger>,
      blocks_for(rows.batch * rows.row_size, kBlockThreads), kBlockThreads,
      native_stream(launch.stream), rows, ToInteger{}, launch.inputs[0].as<In>(),
      launch.outputs[0].as<std::int32_t>());
}

std::string refuse_gather(const Problem& problem) {
  const DType in = problem.inputs.at(0).dtype, out = problem.outputs.at(0).dtype;
  const bool real = out == DType::f32 || out == DType::bf16, whole = out == DType::i32;
  const bool known = in == DType::u8    ? real || whole
                     : in == DType::f32 ? real
                                        : in == DType::i32 && whole;
  return known ? "" : "converts u8 and f32 to f32 or bf16, and u8 and i32 to i32";
}

template <class Out>
SimpleCandidate::Launch prepare_reals(const Problem& problem) {
  const Normalization convert(GatherAttributes::from(problem.attributes));
  if (problem.inputs.at(0).dtype == DType::f32)
    return [convert](const LaunchArguments& launch) {
      gather_reals<float, float4, Out>(launch, convert);
    };
  return [convert](const LaunchArguments& launch) {
    gather_reals<std::uint8_t, uchar4, Out>(launch, convert);
  };
}

SimpleCandidate::Launch prepare_gather(const Problem& problem) {
  if (problem.outputs.at(0).dtype == DType::f32) return prepare_reals<float>(problem);
  if (problem.outputs.at(0).dtype == DType::bf16) return prepare_reals<bfloat16>(problem);
  if (problem.inputs.at(0).dtype == DType::u8) return gather_integers<std::uint8_t>;
  return gather_integers<std::int32_t>;
}

}  // namespace
}  // namespace cuda

void register_gather_cuda(CandidateRegistry& registry) {
  registry.add(SimpleCandidate{.op = "gather",
                               .backend = "cuda",
                               .id = "cuda.simt",
                               .prepare = cuda::prepare_gather,
                               .refuse = cuda::refuse_gather});
}

}  // namespace engine
