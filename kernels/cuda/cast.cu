// Conversions between f32 and bf16.
#include "kernels/cast.h"

#include "engine/tune/registry.h"
#include "kernels/cuda/elementwise.cuh"
#include "kernels/cuda/launchers.h"

namespace engine {
namespace cuda {
namespace {

struct Same {
  __device__ float operator()(float x) const { return x; }
};

SimpleCandidate::Launch prepare_cast(const Problem& problem) {
  const std::int64_t count = problem.inputs.at(0).element_count();
  if (problem.outputs.at(0).dtype == DType::bf16)
    return [count](const LaunchArguments& launch) {
      launch_narrow(launch.stream, launch.inputs[0].as<float>(), launch.outputs[0].as<bfloat16>(),
                    count);
    };
  return [count](const LaunchArguments& launch) {
    const bfloat16* x = launch.inputs[0].as<bfloat16>();
    run_elementwise("cast", launch.stream, Same{}, count, launch.outputs[0].as<float>(), x);
  };
}

}  // namespace

void launch_narrow(Stream& stream, const float* x, bfloat16* y, std::int64_t count) {
  run_elementwise("cast", stream, Same{}, count, y, x);
}

}  // namespace cuda

void register_cast_cuda(CandidateRegistry& registry) {
  registry.add(SimpleCandidate{.op = "cast",
                               .backend = "cuda",
                               .id = "cuda.simt",
                               .prepare = cuda::prepare_cast,
                               .refuse = refuse_cast});
}

}  // namespace engine
