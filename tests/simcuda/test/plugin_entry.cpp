// The entry of the test's plug-in: runs one kernel and checks what it wrote.
#include <cuda_runtime_api.h>

#include <vector>

#include "kernels.h"

extern "C" __attribute__((visibility("default"))) int simcuda_test_run_kernels() {
  std::vector<float> values(64);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  const std::size_t bytes = values.size() * sizeof(float);
  void* in = nullptr;
  void* out = nullptr;
  if (cudaMalloc(&in, bytes) != cudaSuccess || cudaMalloc(&out, bytes) != cudaSuccess) return 1;
  cudaMemcpy(in, values.data(), bytes, cudaMemcpyHostToDevice);
  simcuda_test::reverse(static_cast<float*>(in), static_cast<float*>(out), 64, true);
  const std::vector<float> reversed(values.rbegin(), values.rend());
  const cudaError_t copied = cudaMemcpy(values.data(), out, bytes, cudaMemcpyDeviceToHost);
  cudaFree(in);
  cudaFree(out);
  return copied == cudaSuccess && values == reversed ? 0 : 2;
}
