// Launching: the limits that a device enforces, attributes of kernels, and the closure on a stream.
#include <cuda_runtime_api.h>
#include <simcuda/kernel.h>

#include <memory>
#include <unordered_map>

#include "block.h"
#include "faults.h"
#include "stream.h"

namespace simcuda {
namespace {

struct Function {
  std::size_t dynamic_limit = shared_bytes_default;
  std::size_t static_bytes = 0;  // known once the kernel has run
};

std::unordered_map<const void*, Function>& functions() {
  static auto* const table = new std::unordered_map<const void*, Function>;
  return *table;
}

std::size_t shared_limit(const Function& function) {
  const bool opted_in = function.dynamic_limit > shared_bytes_default;
  return opted_in ? shared_bytes_opt_in : shared_bytes_default;
}

cudaError_t check_geometry(const Geometry& geometry, const Function& function) {
  const dim3& grid = geometry.grid;
  const dim3& block = geometry.block;
  constexpr unsigned max_grid_x = 0x7FFFFFFF;
  constexpr unsigned max_grid_yz = 65535;
  if (grid.x == 0 || grid.y == 0 || grid.z == 0) return cudaErrorInvalidConfiguration;
  if (block.x == 0 || block.y == 0 || block.z == 0) return cudaErrorInvalidConfiguration;
  if (grid.x > max_grid_x || grid.y > max_grid_yz || grid.z > max_grid_yz)
    return cudaErrorInvalidConfiguration;
  if (block.x > 1024 || block.y > 1024 || block.z > 64 || block.x * block.y * block.z > 1024)
    return cudaErrorInvalidConfiguration;
  if (geometry.dynamic_shared_bytes > function.dynamic_limit) return cudaErrorInvalidValue;
  return geometry.dynamic_shared_bytes + function.static_bytes > shared_limit(function)
             ? cudaErrorInvalidValue
             : cudaSuccess;
}

// `limit`: of shared memory, as it stood at the launch.
void execute(const Geometry& geometry, const Closure& thread, std::size_t limit) {
  BlockScheduler& scheduler = block_scheduler();
  scheduler.run(geometry, thread);
  const std::size_t static_bytes = scheduler.shared().static_bytes();
  functions()[geometry.function].static_bytes = static_bytes;
  // nvcc sees a kernel's static shared memory before any launch; here the first run shows it.
  if (static_bytes > shared_bytes_default || static_bytes + geometry.dynamic_shared_bytes > limit)
    fail_in_kernel("static and dynamic shared memory exceed 48 KiB",
                   std::source_location::current());
}

}  // namespace

cudaError_t launch(const Geometry& geometry, cudaStream_t handle, Closure thread) {
  return enter(Call::ordinary, [&] {
    const auto stream = find_stream(handle);
    if (stream == nullptr) return cudaErrorInvalidResourceHandle;
    if (geometry.function == nullptr) return cudaErrorInvalidDeviceFunction;
    const Function& function = functions()[geometry.function];
    if (const cudaError_t error = check_geometry(geometry, function)) return error;
    return enqueue(*stream, [geometry, thread = std::move(thread), limit = shared_limit(function)] {
      execute(geometry, thread, limit);
    });
  });
}

}  // namespace simcuda

using namespace simcuda;

cudaError_t cudaFuncSetAttribute(const void* kernel, cudaFuncAttribute attribute, int value) {
  return enter(Call::ordinary, [=] {
    if (kernel == nullptr) return cudaErrorInvalidDeviceFunction;
    if (attribute == cudaFuncAttributePreferredSharedMemoryCarveout)
      return value >= -1 && value <= 100 ? cudaSuccess : cudaErrorInvalidValue;
    if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize) return cudaErrorInvalidValue;
    Function& function = functions()[kernel];
    if (value < 0 || static_cast<std::size_t>(value) + function.static_bytes > shared_bytes_opt_in)
      return cudaErrorInvalidValue;
    function.dynamic_limit = static_cast<std::size_t>(value);
    return cudaSuccess;
  });
}

cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* out, const void* kernel) {
  return enter(Call::ordinary, [=] {
    if (kernel == nullptr) return cudaErrorInvalidDeviceFunction;
    if (out == nullptr) return cudaErrorInvalidValue;
    const Function& function = functions()[kernel];
    *out = {};
    out->sharedSizeBytes = function.static_bytes;
    out->maxThreadsPerBlock = 1024;
    out->numRegs = 32;
    out->binaryVersion = out->ptxVersion = 90;
    out->maxDynamicSharedSizeBytes = static_cast<int>(function.dynamic_limit);
    out->preferredShmemCarveout = -1;
    return cudaSuccess;
  });
}

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* out, const void* kernel, int threads,
                                                          size_t dynamic_bytes) {
  return enter(Call::ordinary, [=] {
    if (kernel == nullptr) return cudaErrorInvalidDeviceFunction;
    if (out == nullptr || threads <= 0) return cudaErrorInvalidValue;
    constexpr int max_threads = 2048;
    constexpr int max_blocks = 32;
    constexpr std::size_t shared_per_multiprocessor = 228 * 1024;
    constexpr std::size_t reserved_per_block = 1024;
    const std::size_t shared =
        functions()[kernel].static_bytes + dynamic_bytes + reserved_per_block;
    const int by_threads = threads > 1024 ? 0 : max_threads / ((threads + 31) / 32 * 32);
    const int by_shared = static_cast<int>(shared_per_multiprocessor / shared);
    *out = std::min({max_blocks, by_threads, by_shared});
    return cudaSuccess;
  });
}
