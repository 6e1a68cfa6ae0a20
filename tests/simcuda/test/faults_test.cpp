// Failing calls, sticky errors, leaks, launch limits and what the device says of itself.
#include <cstdlib>

#include "kernels.h"
#include "support.h"

namespace simcuda_test {
namespace {

class Faults : public DeviceTest {};

TEST_F(Faults, NthCallFails) {
  void* blocks[3] = {};
  simcuda_fail_call(2, cudaErrorMemoryAllocation);
  EXPECT_EQ(cudaMalloc(&blocks[0], 16), cudaSuccess);
  EXPECT_EQ(cudaMalloc(&blocks[1], 16), cudaErrorMemoryAllocation);
  EXPECT_EQ(cudaMalloc(&blocks[2], 16), cudaSuccess);
  EXPECT_EQ(simcuda_call_count(), 3u);
  EXPECT_EQ(cudaPeekAtLastError(), cudaErrorMemoryAllocation);
  EXPECT_EQ(cudaGetLastError(), cudaErrorMemoryAllocation);
  EXPECT_EQ(cudaPeekAtLastError(), cudaSuccess);
  EXPECT_EQ(cudaFree(blocks[0]), cudaSuccess);
  EXPECT_EQ(cudaFree(blocks[2]), cudaSuccess);
}

TEST_F(Faults, EnvironmentSetsTheDevice) {
  setenv("SIMCUDA_FAIL", "2:2", 1);
  setenv("SIMCUDA_MEMORY", "65536", 1);
  setenv("SIMCUDA_DEVICES", "3", 1);
  simcuda_reset();
  std::size_t available = 0, total = 0;
  int devices = 0;
  EXPECT_EQ(cudaMemGetInfo(&available, &total), cudaSuccess);
  EXPECT_EQ(total, 65536u);
  EXPECT_EQ(cudaGetDeviceCount(&devices), cudaErrorMemoryAllocation);
  EXPECT_EQ(cudaGetDeviceCount(&devices), cudaSuccess);
  EXPECT_EQ(devices, 3);
  for (const char* name : {"SIMCUDA_FAIL", "SIMCUDA_MEMORY", "SIMCUDA_DEVICES"}) unsetenv(name);
}

TEST_F(Faults, StickyErrorsStay) {
  void* block = nullptr;
  ASSERT_EQ(cudaMalloc(&block, 16), cudaSuccess);
  for (const cudaError_t sticky :
       {cudaErrorIllegalAddress, cudaErrorAssert, cudaErrorHardwareStackError,
        cudaErrorMisalignedAddress, cudaErrorLaunchFailure, cudaErrorECCUncorrectable}) {
    simcuda_fail_call(1, sticky);
    EXPECT_EQ(nothing(1, 32, 0), sticky);
    EXPECT_EQ(cudaGetLastError(), sticky);
    EXPECT_EQ(cudaGetLastError(), sticky);
    EXPECT_EQ(nothing(1, 32, 0), sticky);
    EXPECT_EQ(cudaDeviceSynchronize(), sticky);
    simcuda_reset();
    EXPECT_EQ(nothing(1, 32, 0), cudaSuccess);
  }
  simcuda_fail_call(1, cudaErrorIllegalAddress);
  EXPECT_EQ(cudaFree(block), cudaErrorIllegalAddress);  // given back all the same
}

TEST_F(Faults, LeaksAreCounted) {
  void* block = nullptr;
  void* pinned = nullptr;
  cudaStream_t stream = nullptr;
  cudaEvent_t event = nullptr;
  cudaMalloc(&block, 1000);
  cudaMallocHost(&pinned, 10);
  cudaStreamCreate(&stream);
  cudaEventCreate(&event);
  SimcudaLive live;
  simcuda_live(&live);
  EXPECT_EQ(live.device_allocations, 1u);
  EXPECT_EQ(live.device_bytes, 1000u);
  EXPECT_EQ(live.host_allocations, 1u);
  EXPECT_EQ(live.streams, 1u);
  EXPECT_EQ(live.events, 1u);
  cudaFree(block);
  cudaFreeHost(pinned);
  cudaStreamDestroy(stream);
  cudaEventDestroy(event);
  EXPECT_EQ(cudaStreamDestroy(stream), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaEventDestroy(event), cudaErrorInvalidResourceHandle);
}

TEST_F(Faults, LaunchLimits) {
  EXPECT_EQ(nothing(1, 1024, 0), cudaSuccess);
  EXPECT_EQ(nothing(1, 1025, 0), cudaErrorInvalidConfiguration);
  EXPECT_EQ(nothing(1, dim3(1, 1, 64), 0), cudaSuccess);
  EXPECT_EQ(nothing(1, dim3(1, 1, 65), 0), cudaErrorInvalidConfiguration);
  EXPECT_EQ(nothing(1, dim3(32, 33), 0), cudaErrorInvalidConfiguration);
  EXPECT_EQ(nothing(0, 32, 0), cudaErrorInvalidConfiguration);
  EXPECT_EQ(nothing(1, 0, 0), cudaErrorInvalidConfiguration);
  EXPECT_EQ(nothing(dim3(1, 65535), 1, 0), cudaSuccess);
  EXPECT_EQ(nothing(dim3(1, 65536), 1, 0), cudaErrorInvalidConfiguration);
  EXPECT_EQ(nothing(dim3(1, 1, 65536), 1, 0), cudaErrorInvalidConfiguration);
}

TEST_F(Faults, SharedMemoryWantsOptIn) {
  constexpr std::size_t kibibyte = 1024;
  EXPECT_EQ(nothing(1, 32, 48 * kibibyte), cudaSuccess);
  EXPECT_EQ(nothing(1, 32, 48 * kibibyte + 4), cudaErrorInvalidValue);
  EXPECT_EQ(allow_nothing(228 * kibibyte), cudaErrorInvalidValue);
  EXPECT_EQ(allow_nothing(227 * kibibyte), cudaSuccess);
  EXPECT_EQ(nothing(1, 32, 227 * kibibyte), cudaSuccess);
  EXPECT_EQ(nothing(1, 32, 228 * kibibyte), cudaErrorInvalidValue);
  EXPECT_EQ(allow_nothing(48 * kibibyte), cudaSuccess);
}

TEST_F(Faults, StaticSharedMemoryCounts) {
  constexpr std::size_t kibibyte = 1024;
  EXPECT_EQ(large_static_shared(8 * kibibyte), cudaSuccess);
  ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  EXPECT_EQ(large_static_shared(9 * kibibyte), cudaErrorInvalidValue);
}

TEST_F(Faults, DeviceDescribesItself) {
  cudaDeviceProp properties{};
  ASSERT_EQ(cudaGetDeviceProperties(&properties, 0), cudaSuccess);
  EXPECT_STREQ(properties.name, "Simulated CUDA device");
  EXPECT_EQ(properties.major, 9);
  EXPECT_EQ(properties.multiProcessorCount, 132);
  EXPECT_EQ(properties.totalGlobalMem, std::size_t{1} << 30);
  int value = 0;
  ASSERT_EQ(cudaDeviceGetAttribute(&value, cudaDevAttrMultiProcessorCount, 0), cudaSuccess);
  EXPECT_EQ(value, 132);
  EXPECT_EQ(cudaGetDeviceProperties(&properties, 1), cudaErrorInvalidDevice);
  EXPECT_EQ(cudaSetDevice(1), cudaErrorInvalidDevice);
  EXPECT_STREQ(cudaGetErrorName(cudaErrorInvalidDevice), "cudaErrorInvalidDevice");
  EXPECT_STREQ(cudaGetErrorString(cudaErrorMemoryAllocation), "out of memory");
}

TEST_F(Faults, DevicesCanBeNoneOrMany) {
  int count = 0;
  simcuda_set_devices(0);
  EXPECT_EQ(cudaGetDeviceCount(&count), cudaErrorNoDevice);
  simcuda_set_devices(2);
  ASSERT_EQ(cudaGetDeviceCount(&count), cudaSuccess);
  EXPECT_EQ(count, 2);
  cudaStream_t stream = nullptr;
  ASSERT_EQ(cudaStreamCreate(&stream), cudaSuccess);
  ASSERT_EQ(cudaSetDevice(1), cudaSuccess);
  EXPECT_EQ(cudaStreamSynchronize(stream), cudaErrorInvalidResourceHandle);
  ASSERT_EQ(cudaSetDevice(0), cudaSuccess);
  EXPECT_EQ(cudaStreamDestroy(stream), cudaSuccess);
}

}  // namespace
}  // namespace simcuda_test
