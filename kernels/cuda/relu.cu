// ReLU and its gradient: see kernels/relu.h for the treatment of NaN and of -0.
#include "kernels/relu.h"

#include "engine/tune/registry.h"
#include "kernels/cuda/elementwise.cuh"

namespace engine {
namespace cuda {
namespace {

struct Relu {
  __device__ float operator()(float x) const { return x <= 0.0f ? 0.0f : x; }
};

struct ReluGradient {
  float scale;
  __device__ float operator()(float dy, float y) const { return y > 0.0f ? dy * scale : 0.0f; }
};

SimpleCandidate::Launch prepare_relu(const Problem&) {
  return [](const LaunchArguments& arguments) {
    const TensorView& y = arguments.outputs[0];
    run_elementwise("relu", arguments.stream, Relu{}, y.type.element_count(), y.as<float>(),
                    static_cast<const float*>(arguments.inputs[0].as<float>()));
  };
}

SimpleCandidate::Launch prepare_relu_gradient(const Problem& problem) {
  const ReluGradient function{static_cast<float>(problem.attributes.real("scale"))};
  return [function](const LaunchArguments& arguments) {
    const TensorView& dx = arguments.outputs[0];
    run_elementwise("relu_gradient", arguments.stream, function, dx.type.element_count(),
                    dx.as<float>(), static_cast<const float*>(arguments.inputs[0].as<float>()),
                    static_cast<const float*>(arguments.inputs[1].as<float>()));
  };
}

}  // namespace
}  // namespace cuda

void register_relu_cuda(CandidateRegistry& registry) {
  registry.add(SimpleCandidate{
      .op = "relu", .backend = "cuda", .id = "cuda.simt", .prepare = cuda::prepare_relu});
  registry.add(SimpleCandidate{.op = "relu_gradient",
                               .backend = "cuda",
                               .id = "cuda.simt",
                               .prepare = cuda::prepare_relu_gradient});
}

}  // namespace engine
