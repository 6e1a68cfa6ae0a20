// The sum of two tensors, four elements a thread.
#include "kernels/add.h"

#include "engine/tune/registry.h"
#include "kernels/cuda/elementwise.cuh"

namespace engine {
namespace cuda {
namespace {

struct Add {
  __device__ float operator()(float a, float b) const { return a + b; }
};

SimpleCandidate::Launch prepare_add(const Problem&) {
  return [](const LaunchArguments& arguments) {
    const TensorView& sum = arguments.outputs[0];
    run_elementwise("add", arguments.stream, Add{}, sum.type.element_count(), sum.as<float>(),
                    static_cast<const float*>(arguments.inputs[0].as<float>()),
                    static_cast<const float*>(arguments.inputs[1].as<float>()));
  };
}

}  // namespace
}  // namespace cuda

void register_add_cuda(CandidateRegistry& registry) {
  registry.add(SimpleCandidate{
      .op = "add", .backend = "cuda", .id = "cuda.simt", .prepare = cuda::prepare_add});
}

}  // namespace engine
