// The CUDA kernels of softsign.
#include <engine/device/cuda/port.h>

#include "softsign.h"

namespace example {
namespace {

using engine::LaunchArguments;

__global__ void forward(const float* x, float* y, std::int64_t count) {
  const std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (i < count) y[i] = x[i] / (1 + fabsf(x[i]));
}

__global__ void backward(const float* dy, const float* y, float* dx, std::int64_t count) {
  const std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (i < count) dx[i] = dy[i] * (1 - fabsf(y[i])) * (1 - fabsf(y[i]));
}

template <class... Parameters, class... Arguments>
void run(void (*kernel)(Parameters...), const LaunchArguments& launch, Arguments... arguments) {
  constexpr int kThreads = 256;
  const std::int64_t count = launch.outputs[0].type.element_count();
  if (count == 0) return;
  const auto blocks = static_cast<unsigned>((count + kThreads - 1) / kThreads);
  const cudaError_t status =
      engine::cuda::launch(kernel, dim3(blocks), dim3(kThreads), 0,
                           static_cast<cudaStream_t>(launch.stream.native()), arguments..., count);
  if (status != cudaSuccess)
    throw engine::DeviceError(std::string("softsign: ") + cudaGetErrorString(status));
}

}  // namespace

void register_softsign_cuda(engine::CandidateRegistry& registry) {
  registry.add({.op = "softsign",
                .backend = "cuda",
                .id = "example.simt",
                .prepare = [](const engine::Problem&) {
                  return [](const LaunchArguments& launch) {
                    run(forward, launch, launch.inputs[0].as<float>(),
                        launch.outputs[0].as<float>());
                  };
                }});
  registry.add({.op = "softsign_gradient",
                .backend = "cuda",
                .id = "example.simt",
                .prepare = [](const engine::Problem&) {
                  return [](const LaunchArguments& launch) {
                    run(backward, launch, launch.inputs[0].as<float>(),
                        launch.inputs[1].as<float>(), launch.outputs[0].as<float>());
                  };
                }});
}

}  // namespace example
