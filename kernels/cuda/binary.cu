// Element-wise functions of two operands on a CUDA device. Operands of one shape go through the
// element-wise kernel; broadcast ones through strided loops, in groups of four elements where the
// innermost extent allows it (a row vector, a column or a scalar against a matrix all do).
#include "kernels/binary.h"

#include <string>

#include "engine/tune/registry.h"
#include "kernels/cuda/elementwise.cuh"
#include "kernels/cuda/strided.cuh"

namespace engine {
namespace cuda {
namespace {

template <class F>
struct Function {
  __device__ float operator()(float a, float b) const { return F::value(a, b); }
};

template <class F>
__global__ void strided_kernel(DeviceLoop loop, float* y, const float* a, const float* b) {
  const auto index = static_cast<std::uint32_t>(global_thread());
  if (index >= loop.count) return;
  const auto offsets = loop.offsets(index);
  y[index] = F::value(a[offsets.at[1]], b[offsets.at[2]]);
}

// Four neighbours of an operand, or one element four times; `offset` counts groups or elements.
__device__ float4 load_group(const float* operand, std::int64_t offset, bool repeats) {
  if (!repeats) return reinterpret_cast<const float4*>(operand)[offset];
  const float value = operand[offset];
  return make_float4(value, value, value, value);
}

template <class F>
__global__ void grouped_kernel(DeviceLoop loop, bool a_repeats, bool b_repeats, float4* y,
                               const float* a, const float* b) {
  const auto index = static_cast<std::uint32_t>(global_thread());
  if (index >= loop.count) return;
  const auto offsets = loop.offsets(index);
  const float4 p = load_group(a, offsets.at[1], a_repeats);
  const float4 q = load_group(b, offsets.at[2], b_repeats);
  y[index] =
      make_float4(F::value(p.x, q.x), F::value(p.y, q.y), F::value(p.z, q.z), F::value(p.w, q.w));
}

template <class F>
void launch(const LaunchArguments& arguments, const StridedLoop& loop) {
  const char* name = F::name.data();
  float* y = arguments.outputs[0].as<float>();
  const float* a = arguments.inputs[0].as<float>();
  const float* b = arguments.inputs[1].as<float>();
  const bool a_repeats = loop.stride(0)[1] == 0, b_repeats = loop.stride(0)[2] == 0;
  StridedLoop groups = loop;
  const bool aligned = is_aligned_for_4(y) && (a_repeats || is_aligned_for_4(a)) &&
                       (b_repeats || is_aligned_for_4(b));
  const cudaStream_t stream = native_stream(arguments.stream);
  if (aligned && group_by_four(groups, StridedLoop::kOperands, true))
    run(name, grouped_kernel<F>, blocks_for_all(groups, kBlockThreads), kBlockThreads, stream,
        DeviceLoop(groups), a_repeats, b_repeats, reinterpret_cast<float4*>(y), a, b);
  else
    run(name, strided_kernel<F>, blocks_for_all(loop, kBlockThreads), kBlockThreads, stream,
        DeviceLoop(loop), y, a, b);
}

template <class F, class T>
void launch_alike(const LaunchArguments& arguments) {
  const TensorView& y = arguments.outputs[0];
  const T *a = arguments.inputs[0].as<T>(), *b = arguments.inputs[1].as<T>();
  run_elementwise(F::name.data(), arguments.stream, Function<F>{}, y.type.element_count(),
                  y.as<T>(), a, b);
}

template <class F>
SimpleCandidate::Launch prepare(const Problem& problem) {
  if (problem.outputs.at(0).dtype == DType::bf16) return launch_alike<F, bfloat16>;
  if (problem.inputs.at(0) == problem.inputs.at(1)) return launch_alike<F, float>;
  return [loop = binary_loop(problem)](const LaunchArguments& arguments) {
    launch<F>(arguments, loop);
  };
}

std::string refuse(const Problem& problem) {
  return problem.inputs.at(0) == problem.inputs.at(1) ? "" : refuse_huge_loop(problem);
}

}  // namespace
}  // namespace cuda

void register_binary_cuda(CandidateRegistry& registry) {
#define ENGINE_ROW(name_, ...)                                          \
  registry.add(SimpleCandidate{.op = std::string(binary::name_::name),  \
                               .backend = "cuda",                       \
                               .id = "cuda.simt",                       \
                               .prepare = cuda::prepare<binary::name_>, \
                               .refuse = cuda::refuse});
  ENGINE_BINARY_TABLE(ENGINE_ROW)
#undef ENGINE_ROW
}

}  // namespace engine
