// Rows of a device-resident data set by index, converted on the way. Threads run over the elements
// of the result, so that a warp reads and writes neighbours; bytes are taken four at a time where
// rows allow it.
#include "kernels/gather.h"

#include "engine/tune/registry.h"
#include "kernels/cuda/quad.cuh"

namespace engine {
namespace cuda {
namespace {

struct GatherRows {
  const std::int32_t* indices;
  std::int64_t batch;
  std::int64_t rows;      ///< N
  std::int64_t row_size;  ///< in the kernel's unit: elements, or groups of four
  std::int64_t channels;  ///< of a channels-last result, else 1

  /// Where unit `i` of the result comes from, or -1 for a row that does not exist.
  __device__ std::int64_t source(std::int64_t i) const {
    const std::int64_t row = indices[i / row_size];
    if (row < 0 || row >= rows) return -1;
    const std::int64_t place = i % row_size;
    if (channels == 1) return row * row_size + place;
    return row * row_size + place % channels * (row_size / channels) + place / channels;
  }
};

struct Affine {
  float scale, offset;
  template <class T>
  __device__ float operator()(T x) const {
    return static_cast<float>(x) * scale + offset;
  }
};

struct ToInteger {
  template <class T>
  __device__ std::int32_t operator()(T x) const {
    return static_cast<std::int32_t>(x);
  }
};

template <class In, class Out, class F>
__global__ void gather_kernel(GatherRows rows, F convert, const In* data, Out* out) {
  const std::int64_t count = rows.batch * rows.row_size;
  for (std::int64_t i = global_thread(); i < count; i += global_thread_count()) {
    const std::int64_t source = rows.source(i);
    out[i] = Out(convert(source < 0 ? In{} : data[source]));
  }
}

/// `Group` is four neighbours.
template <class Group, class Out>
__global__ void gather_quads_kernel(GatherRows rows, Affine convert, const Group* data, Out* out) {
  const std::int64_t count = rows.batch * rows.row_size;
  for (std::int64_t i = global_thread(); i < count; i += global_thread_count()) {
    const std::int64_t source = rows.source(i);
    const Group v = source < 0 ? Group{} : data[source];
    store_floats(out + i * 4, make_float4(convert(v.x), convert(v.y), convert(v.z), convert(v.w)));
  }
}

GatherRows rows_of(const LaunchArguments& launch) {
  const TensorView& data = launch.inputs[0];
  return {launch.inputs[1].as<std::int32_t>(), launch.inputs[1].type.element_count(),
          data.type.shape[0], data.type.shape.elements_after(0),
          launch.outputs[0].type.layout == Layout::channels_last ? data.type.shape[1] : 1};
}

// `Group` is four neighbouring elements of type `In`.
template <class In, class Group, class Out>
void gather_reals(const LaunchArguments& launch, Affine convert) {
  GatherRows rows = rows_of(launch);
  const auto* data = launch.inputs[0].as<In>();
  auto* out = launch.outputs[0].as<Out>();
  const cudaStream_t stream = native_stream(launch.stream);
  if (rows.channels == 1 && rows.row_size % 4 == 0 && is_aligned_for_4(data) &&
      is_aligned_for_4(out)) {
    rows.row_size /= 4;
    run("gather", gather_quads_kernel<Group, Out>,
        blocks_for(rows.batch * rows.row_size, kBlockThreads), kBlockThreads, stream, rows, convert,
        reinterpret_cast<const Group*>(data), out);
  } else {
    run("gather", gather_kernel<In, Out, Affine>,
        blocks_for(rows.batch * rows.row_size, kBlockThreads), kBlockThreads, stream, rows, convert,
        data, out);
  }
}

template <class In>
void gather_integers(const LaunchArguments& launch) {
  const GatherRows rows = rows_of(launch);
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
  const auto attributes = GatherAttributes::from(problem.attributes);
  const Affine convert{static_cast<float>(attributes.scale), static_cast<float>(attributes.offset)};
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
