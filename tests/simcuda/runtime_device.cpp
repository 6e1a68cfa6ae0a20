// CUDA runtime entry points: devices, their properties and versions. The figures are an H100's.
#include <cuda_runtime_api.h>

#include <cstring>

#include "devices.h"
#include "environment.h"
#include "faults.h"
#include "memory.h"
#include "shared_memory.h"

namespace simcuda {
namespace {

int devices = environment_devices();
thread_local int chosen_device = 0;

constexpr int warp_lanes = 32;
constexpr int l2_bytes = 50 << 20;
constexpr int clock_kilohertz = 1980000;
constexpr int shared_per_multiprocessor = 228 * 1024;
constexpr int runtime_version = CUDART_VERSION;

void fill_limits(cudaDeviceProp& out) {
  const int threads[] = {1024, 1024, 64};
  const int grid[] = {0x7FFFFFFF, 65535, 65535};
  std::memcpy(out.maxThreadsDim, threads, sizeof threads);
  std::memcpy(out.maxGridSize, grid, sizeof grid);
  out.maxThreadsPerBlock = 1024;
  out.maxThreadsPerMultiProcessor = 2048;
  out.maxBlocksPerMultiProcessor = 32;
  out.regsPerBlock = out.regsPerMultiprocessor = 65536;
  out.sharedMemPerBlock = shared_bytes_default;
  out.sharedMemPerBlockOptin = shared_bytes_opt_in;
  out.sharedMemPerMultiprocessor = shared_per_multiprocessor;
  out.reservedSharedMemPerBlock = 1024;
  out.totalConstMem = 65536;
  out.warpSize = warp_lanes;
}

cudaDeviceProp properties(int device) {
  cudaDeviceProp out{};
  std::strcpy(out.name, "Simulated CUDA device");
  fill_limits(out);
  out.totalGlobalMem = device_memory().quota();
  out.major = compute_capability_major;
  out.minor = compute_capability_minor;
  out.multiProcessorCount = multiprocessors;
  out.l2CacheSize = l2_bytes;
  out.memoryBusWidth = 5120;
  out.memPitch = 0x7FFFFFFF;
  out.textureAlignment = 512;
  out.asyncEngineCount = 3;
  out.concurrentKernels = 1;
  out.unifiedAddressing = 1;
  out.canMapHostMemory = 1;
  out.streamPrioritiesSupported = 1;
  out.globalL1CacheSupported = out.localL1CacheSupported = 1;
  out.memoryPoolsSupported = 1;
  out.pciBusID = device + 1;
  return out;
}

// False for an attribute that the simulation has no value for.
bool attribute_value(cudaDeviceAttr attribute, const cudaDeviceProp& device, int& out) {
  switch (attribute) {
    case cudaDevAttrMaxThreadsPerBlock:
      out = device.maxThreadsPerBlock;
      return true;
    case cudaDevAttrMaxBlockDimX:
      out = device.maxThreadsDim[0];
      return true;
    case cudaDevAttrMaxBlockDimY:
      out = device.maxThreadsDim[1];
      return true;
    case cudaDevAttrMaxBlockDimZ:
      out = device.maxThreadsDim[2];
      return true;
    case cudaDevAttrMaxGridDimX:
      out = device.maxGridSize[0];
      return true;
    case cudaDevAttrMaxGridDimY:
      out = device.maxGridSize[1];
      return true;
    case cudaDevAttrMaxGridDimZ:
      out = device.maxGridSize[2];
      return true;
    case cudaDevAttrMaxSharedMemoryPerBlock:
      out = shared_bytes_default;
      return true;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
      out = shared_bytes_opt_in;
      return true;
    case cudaDevAttrMaxSharedMemoryPerMultiprocessor:
      out = shared_per_multiprocessor;
      return true;
    case cudaDevAttrReservedSharedMemoryPerBlock:
      out = 1024;
      return true;
    case cudaDevAttrTotalConstantMemory:
      out = 65536;
      return true;
    case cudaDevAttrWarpSize:
      out = device.warpSize;
      return true;
    case cudaDevAttrMaxRegistersPerBlock:
      out = device.regsPerBlock;
      return true;
    case cudaDevAttrMaxRegistersPerMultiprocessor:
      out = device.regsPerMultiprocessor;
      return true;
    case cudaDevAttrClockRate:
      out = clock_kilohertz;
      return true;
    case cudaDevAttrMemoryClockRate:
      out = 2619000;
      return true;
    case cudaDevAttrGlobalMemoryBusWidth:
      out = device.memoryBusWidth;
      return true;
    case cudaDevAttrL2CacheSize:
      out = device.l2CacheSize;
      return true;
    case cudaDevAttrMultiProcessorCount:
      out = device.multiProcessorCount;
      return true;
    case cudaDevAttrMaxThreadsPerMultiProcessor:
      out = 2048;
      return true;
    case cudaDevAttrMaxBlocksPerMultiprocessor:
      out = 32;
      return true;
    case cudaDevAttrComputeCapabilityMajor:
      out = device.major;
      return true;
    case cudaDevAttrComputeCapabilityMinor:
      out = device.minor;
      return true;
    case cudaDevAttrAsyncEngineCount:
      out = device.asyncEngineCount;
      return true;
    case cudaDevAttrConcurrentKernels:
      out = 1;
      return true;
    case cudaDevAttrUnifiedAddressing:
      out = 1;
      return true;
    case cudaDevAttrCanMapHostMemory:
      out = 1;
      return true;
    case cudaDevAttrStreamPrioritiesSupported:
      out = 1;
      return true;
    case cudaDevAttrMemoryPoolsSupported:
      out = 1;
      return true;
    case cudaDevAttrCooperativeLaunch:
      out = 0;
      return true;
    case cudaDevAttrManagedMemory:
      out = 0;
      return true;
    case cudaDevAttrEccEnabled:
      out = 0;
      return true;
    case cudaDevAttrIntegrated:
      out = 0;
      return true;
    case cudaDevAttrComputeMode:
      out = cudaComputeModeDefault;
      return true;
    case cudaDevAttrPciBusId:
      out = device.pciBusID;
      return true;
    case cudaDevAttrPciDeviceId:
      out = 0;
      return true;
    case cudaDevAttrPciDomainId:
      out = 0;
      return true;
    default:
      return false;
  }
}

bool valid(int device) {
  return device >= 0 && device < devices;
}

}  // namespace

int device_count() {
  return devices;
}

void set_device_count(int count) {
  devices = count;
  chosen_device = 0;
}

int current_device() {
  return chosen_device;
}

}  // namespace simcuda

using namespace simcuda;

cudaError_t cudaGetDeviceCount(int* out) {
  return enter(Call::ordinary, [=] {
    if (out == nullptr) return cudaErrorInvalidValue;
    *out = device_count();
    return cudaSuccess;
  });
}

cudaError_t cudaGetDevice(int* out) {
  return enter(Call::ordinary, [=] {
    if (out == nullptr) return cudaErrorInvalidValue;
    *out = chosen_device;
    return cudaSuccess;
  });
}

cudaError_t cudaSetDevice(int device) {
  return enter(Call::ordinary, [=] {
    if (!valid(device)) return cudaErrorInvalidDevice;
    chosen_device = device;
    return cudaSuccess;
  });
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* out, int device) {
  return enter(Call::ordinary, [=] {
    if (out == nullptr) return cudaErrorInvalidValue;
    if (!valid(device)) return cudaErrorInvalidDevice;
    *out = properties(device);
    return cudaSuccess;
  });
}

cudaError_t cudaDeviceGetAttribute(int* out, cudaDeviceAttr attribute, int device) {
  return enter(Call::ordinary, [=] {
    if (out == nullptr) return cudaErrorInvalidValue;
    if (!valid(device)) return cudaErrorInvalidDevice;
    return attribute_value(attribute, properties(device), *out) ? cudaSuccess
                                                                : cudaErrorInvalidValue;
  });
}

cudaError_t cudaDeviceGetPCIBusId(char* out, int length, int device) {
  return enter(Call::ordinary, [=] {
    constexpr char id[] = "0000:01:00.0";
    if (out == nullptr || length < static_cast<int>(sizeof id)) return cudaErrorInvalidValue;
    if (!valid(device)) return cudaErrorInvalidDevice;
    std::memcpy(out, id, sizeof id);
    out[6] = static_cast<char>('1' + device);
    return cudaSuccess;
  });
}

cudaError_t cudaDeviceGetStreamPriorityRange(int* least, int* greatest) {
  return enter(Call::ordinary, [=] {
    if (least != nullptr) *least = 0;
    if (greatest != nullptr) *greatest = -5;
    return cudaSuccess;
  });
}

cudaError_t cudaDriverGetVersion(int* out) {
  return enter(Call::ordinary, [=] {
    if (out == nullptr) return cudaErrorInvalidValue;
    *out = runtime_version;
    return cudaSuccess;
  });
}

cudaError_t cudaRuntimeGetVersion(int* out) {
  return cudaDriverGetVersion(out);
}
