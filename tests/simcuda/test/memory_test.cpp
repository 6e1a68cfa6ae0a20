// Device memory: who may touch it, quota, copies and their directions.
#include <cmath>
#include <cstring>

#include "kernels.h"
#include "support.h"

namespace simcuda_test {
namespace {

class Memory : public DeviceTest {};

TEST_F(Memory, HostCannotTouchDeviceMemory) {
  const Buffer<float> buffer(16);
  EXPECT_DEATH(buffer.data()[3] = 1.0f, "host code touched device memory");
  EXPECT_DEATH(std::printf("%f", static_cast<double>(buffer.data()[3])),
               "host code touched device memory");
}

TEST_F(Memory, HostFunctionsCannotEither) {
  const Buffer<float> buffer(16);
  const auto touch = [](void* pointer) { *static_cast<volatile float*>(pointer) = 1.0f; };
  const auto run = [&] {
    cudaLaunchHostFunc(nullptr, touch, buffer.data());
    cudaDeviceSynchronize();
  };
  EXPECT_DEATH(run(), "host code touched device memory");
}

TEST_F(Memory, FreshMemoryIsNan) {
  const Buffer<float> buffer(1000);
  for (const float value : buffer.read()) ASSERT_TRUE(std::isnan(value));
  const Buffer<float> out(32);
  ASSERT_EQ(read_unwritten_shared(out.data()), cudaSuccess);
  for (const float value : out.read()) ASSERT_TRUE(std::isnan(value));
}

TEST_F(Memory, QuotaIsEnforced) {
  simcuda_set_memory(1 << 20);
  void* first = nullptr;
  void* second = nullptr;
  ASSERT_EQ(cudaMalloc(&first, 700 << 10), cudaSuccess);
  EXPECT_EQ(cudaMalloc(&second, 400 << 10), cudaErrorMemoryAllocation);
  EXPECT_EQ(second, nullptr);
  EXPECT_EQ(cudaGetLastError(), cudaErrorMemoryAllocation);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
  std::size_t available = 0, total = 0;
  ASSERT_EQ(cudaMemGetInfo(&available, &total), cudaSuccess);
  EXPECT_EQ(total, 1u << 20);
  EXPECT_EQ(available, 324u << 10);
  ASSERT_EQ(cudaFree(first), cudaSuccess);
  EXPECT_EQ(cudaMalloc(&second, 1 << 20), cudaSuccess);
  EXPECT_EQ(simcuda_peak_bytes(), 1u << 20);
  EXPECT_EQ(cudaFree(second), cudaSuccess);
}

TEST_F(Memory, FreeRefusesWhatIsNotAllocated) {
  void* block = nullptr;
  int host = 0;
  ASSERT_EQ(cudaMalloc(&block, 100), cudaSuccess);
  EXPECT_EQ(cudaFree(static_cast<char*>(block) + 4), cudaErrorInvalidValue);
  EXPECT_EQ(cudaFree(&host), cudaErrorInvalidValue);
  EXPECT_EQ(cudaFree(nullptr), cudaSuccess);
  EXPECT_EQ(cudaFree(block), cudaSuccess);
  EXPECT_EQ(cudaFree(block), cudaErrorInvalidValue);
}

TEST_F(Memory, CopiesCheckDirectionAndBounds) {
  const Buffer<float> buffer(8);
  float host[16] = {};
  EXPECT_EQ(cudaMemcpy(host, host + 8, 32, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpy(buffer.data(), host, 32, cudaMemcpyDeviceToHost), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpy(buffer.data(), host, 36, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpy(buffer.data() + 4, host, 20, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemset(buffer.data(), 0, 33), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpy(buffer.data(), host, 32, cudaMemcpyDefault), cudaSuccess);
  EXPECT_EQ(cudaMemcpy(nullptr, host, 0, cudaMemcpyHostToDevice), cudaSuccess);
}

TEST_F(Memory, PageableIsReadAtTheCallPinnedWhenItRuns) {
  const Buffer<float> buffer(1);
  float pageable = 1.0f;
  ASSERT_EQ(cudaMemcpyAsync(buffer.data(), &pageable, 4, cudaMemcpyHostToDevice, nullptr),
            cudaSuccess);
  pageable = 2.0f;
  EXPECT_EQ(buffer.read()[0], 1.0f);

  float* pinned = nullptr;
  ASSERT_EQ(cudaMallocHost(reinterpret_cast<void**>(&pinned), 4), cudaSuccess);
  *pinned = 1.0f;
  ASSERT_EQ(cudaMemcpyAsync(buffer.data(), pinned, 4, cudaMemcpyHostToDevice, nullptr),
            cudaSuccess);
  *pinned = 2.0f;
  EXPECT_EQ(buffer.read()[0], 2.0f);
  ASSERT_EQ(cudaFreeHost(pinned), cudaSuccess);
}

TEST_F(Memory, ResultsArriveInPinnedMemoryOnlyWithASynchronization) {
  const Buffer<float> buffer(std::vector<float>{5.0f});
  float* pinned = nullptr;
  ASSERT_EQ(cudaMallocHost(reinterpret_cast<void**>(&pinned), 4), cudaSuccess);
  *pinned = 0.0f;
  cudaStream_t stream = nullptr;
  ASSERT_EQ(cudaStreamCreate(&stream), cudaSuccess);
  ASSERT_EQ(cudaMemcpyAsync(pinned, buffer.data(), 4, cudaMemcpyDeviceToHost, stream), cudaSuccess);
  EXPECT_EQ(*pinned, 0.0f);
  ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  EXPECT_EQ(*pinned, 5.0f);
  cudaStreamDestroy(stream);
  cudaFreeHost(pinned);
}

TEST_F(Memory, StreamOrderedAllocation) {
  void* block = nullptr;
  cudaStream_t stream = nullptr;
  ASSERT_EQ(cudaStreamCreate(&stream), cudaSuccess);
  ASSERT_EQ(cudaMallocAsync(&block, 64, stream), cudaSuccess);
  ASSERT_EQ(cudaMemsetAsync(block, 0, 64, stream), cudaSuccess);
  ASSERT_EQ(cudaFreeAsync(block, stream), cudaSuccess);
  SimcudaLive live;
  simcuda_live(&live);
  EXPECT_EQ(live.device_allocations, 1u);
  ASSERT_EQ(cudaStreamDestroy(stream), cudaSuccess);
}

TEST_F(Memory, PointersKnowWhatTheyAre) {
  const Buffer<float> buffer(4);
  cudaPointerAttributes attributes{};
  ASSERT_EQ(cudaPointerGetAttributes(&attributes, buffer.data() + 2), cudaSuccess);
  EXPECT_EQ(attributes.type, cudaMemoryTypeDevice);
  ASSERT_EQ(cudaPointerGetAttributes(&attributes, &attributes), cudaSuccess);
  EXPECT_EQ(attributes.type, cudaMemoryTypeUnregistered);
}

TEST_F(Memory, ManyBlocksAreReused) {
  for (int round = 0; round < 200; ++round) {
    const Buffer<char> large(1 << 20), small(100);
    ASSERT_EQ(cudaMemset(large.data(), round, large.bytes()), cudaSuccess);
  }
  EXPECT_LT(simcuda_peak_bytes(), std::size_t{2} << 20);
}

}  // namespace
}  // namespace simcuda_test
