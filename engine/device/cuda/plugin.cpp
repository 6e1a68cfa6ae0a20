// The one symbol that the core library looks up when it loads this back end.
#include <fmt/format.h>

#include "engine/core/version.h"
#include "engine/device/backend.h"
#include "engine/device/cuda/cuda_device.h"

namespace engine {

void register_cuda_candidates(CandidateRegistry& registry);

namespace cuda {
namespace {

// Without a driver the runtime reports an insufficient one, whose version is then 0.
std::string why_no_device(cudaError_t status) {
  int driver = 0;
  if (status == cudaErrorInsufficientDriver)
    return cudaDriverGetVersion(&driver) == cudaSuccess && driver == 0
               ? "no NVIDIA driver is installed"
               : "the NVIDIA driver is older than the CUDA runtime needs";
  if (status == cudaErrorNoDevice || status == cudaSuccess) return "no CUDA device was found";
  return fmt::format("{} ({})", cudaGetErrorName(status), cudaGetErrorString(status));
}

int device_count(std::string& why_none) {
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status == cudaSuccess && count > 0) return count;
  why_none = why_no_device(status);
  dismiss(status);
  return 0;
}

std::unique_ptr<Device> make_device(int index) {
  return std::make_unique<CudaDevice>(index);
}

constexpr BackendEntry kEntry{
    kPluginAbi, "cuda", device_count, make_device, register_cuda_candidates, library_versions};

}  // namespace
}  // namespace cuda
}  // namespace engine

extern "C" const engine::BackendEntry* engine_backend() {
  return &engine::cuda::kEntry;
}
