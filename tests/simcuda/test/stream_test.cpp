// Streams and events: work is deferred, ordered only by what orders it, and executed when waited
// for.
#include <algorithm>
#include <thread>

#include "kernels.h"
#include "support.h"

namespace simcuda_test {
namespace {

constexpr int count = 1000;

class Streams : public DeviceTest {
 protected:
  void SetUp() override {
    DeviceTest::SetUp();
    ASSERT_EQ(cudaStreamCreateWithFlags(&first_, cudaStreamNonBlocking), cudaSuccess);
    ASSERT_EQ(cudaStreamCreateWithFlags(&second_, cudaStreamNonBlocking), cudaSuccess);
    ASSERT_EQ(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming), cudaSuccess);
  }
  void TearDown() override {
    EXPECT_EQ(cudaEventDestroy(event_), cudaSuccess);
    EXPECT_EQ(cudaStreamDestroy(first_), cudaSuccess);
    EXPECT_EQ(cudaStreamDestroy(second_), cudaSuccess);
    DeviceTest::TearDown();
  }

  // Produces on one stream, consumes on another: right only if the consumer waits.
  bool consumer_sees_product(std::uint64_t seed, bool with_wait) {
    simcuda_seed(seed);
    const Buffer<float> produced(std::vector<float>(count, 0.0f)), consumed(count);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(add(produced.data(), count, 1.0f, first_), cudaSuccess);
    EXPECT_EQ(cudaEventRecord(event_, first_), cudaSuccess);
    if (with_wait) {
      EXPECT_EQ(cudaStreamWaitEvent(second_, event_, 0), cudaSuccess);
    }
    EXPECT_EQ(copy(produced.data(), consumed.data(), count, second_), cudaSuccess);
    EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    return consumed.read() == std::vector<float>(count, 3.0f);
  }

  cudaStream_t first_ = nullptr;
  cudaStream_t second_ = nullptr;
  cudaEvent_t event_ = nullptr;
};

TEST_F(Streams, MissingEventWaitShows) {
  int wrong = 0;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    EXPECT_TRUE(consumer_sees_product(seed, true)) << seed;
    wrong += consumer_sees_product(seed, false) ? 0 : 1;
  }
  EXPECT_GE(wrong, 5);
  EXPECT_TRUE(consumer_sees_product(0, false));  // program order hides it
}

TEST_F(Streams, WorkIsDeferred) {
  bool ran = false;
  const auto mark = [](void* flag) { *static_cast<bool*>(flag) = true; };
  ASSERT_EQ(cudaLaunchHostFunc(first_, mark, &ran), cudaSuccess);
  EXPECT_FALSE(ran);
  ASSERT_EQ(cudaStreamSynchronize(second_), cudaSuccess);
  ASSERT_EQ(cudaStreamSynchronize(first_), cudaSuccess);
  EXPECT_TRUE(ran);
}

TEST_F(Streams, QueriesMakeProgress) {
  const Buffer<float> values(std::vector<float>(count, 0.0f));
  for (int i = 0; i < 20; ++i) ASSERT_EQ(add(values.data(), count, 1.0f, first_), cudaSuccess);
  ASSERT_EQ(cudaEventRecord(event_, first_), cudaSuccess);
  EXPECT_EQ(cudaEventQuery(event_), cudaErrorNotReady);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
  int polls = 0;
  while (cudaStreamQuery(first_) == cudaErrorNotReady) ++polls;
  EXPECT_LT(polls, 25);
  EXPECT_EQ(cudaEventQuery(event_), cudaSuccess);
}

TEST_F(Streams, DefaultStreamSynchronizesWithBlockingStreamsOnly) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    simcuda_seed(seed);
    cudaStream_t blocking = nullptr;
    ASSERT_EQ(cudaStreamCreate(&blocking), cudaSuccess);
    const Buffer<float> a(std::vector<float>(count, 0.0f)), b(count), c(count);
    ASSERT_EQ(add(a.data(), count, 1.0f, blocking), cudaSuccess);
    ASSERT_EQ(copy(a.data(), b.data(), count, nullptr), cudaSuccess);
    ASSERT_EQ(copy(b.data(), c.data(), count, blocking), cudaSuccess);
    EXPECT_EQ(c.read(), std::vector<float>(count, 1.0f));
    ASSERT_EQ(cudaStreamDestroy(blocking), cudaSuccess);
  }
}

TEST_F(Streams, EventsMeasureTime) {
  cudaEvent_t start = nullptr, end = nullptr;
  ASSERT_EQ(cudaEventCreate(&start), cudaSuccess);
  ASSERT_EQ(cudaEventCreate(&end), cudaSuccess);
  float milliseconds = -1.0f;
  EXPECT_EQ(cudaEventElapsedTime(&milliseconds, start, end), cudaErrorInvalidResourceHandle);
  const Buffer<float> values(count);
  ASSERT_EQ(cudaEventRecord(start, first_), cudaSuccess);
  ASSERT_EQ(add(values.data(), count, 1.0f, first_), cudaSuccess);
  ASSERT_EQ(cudaEventRecord(end, first_), cudaSuccess);
  EXPECT_EQ(cudaEventElapsedTime(&milliseconds, start, end), cudaErrorNotReady);
  ASSERT_EQ(cudaEventSynchronize(end), cudaSuccess);
  ASSERT_EQ(cudaEventElapsedTime(&milliseconds, start, end), cudaSuccess);
  EXPECT_GT(milliseconds, 0.0f);
  EXPECT_EQ(cudaEventElapsedTime(&milliseconds, event_, end), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaEventDestroy(start), cudaSuccess);
  EXPECT_EQ(cudaEventDestroy(end), cudaSuccess);
}

TEST_F(Streams, HostFunctionsMustNotCallTheRuntime) {
  cudaError_t answer = cudaSuccess;
  const auto call = [](void* out) {
    void* block = nullptr;
    *static_cast<cudaError_t*>(out) = cudaMalloc(&block, 16);
  };
  ASSERT_EQ(cudaLaunchHostFunc(first_, call, &answer), cudaSuccess);
  ASSERT_EQ(cudaStreamSynchronize(first_), cudaSuccess);
  EXPECT_EQ(answer, cudaErrorNotPermitted);
}

TEST_F(Streams, ManyHostThreads) {
  std::vector<std::thread> threads;
  std::vector<int> right(4, 0);
  for (std::size_t t = 0; t < right.size(); ++t)
    threads.emplace_back([t, &right] {
      cudaStream_t stream = nullptr;
      cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
      const Buffer<float> values(std::vector<float>(count, 0.0f));
      for (int i = 0; i < 50; ++i) {
        add(values.data(), count, 1.0f, stream);
        cudaStreamSynchronize(stream);
      }
      right[t] = values.read() == std::vector<float>(count, 50.0f) ? 1 : 0;
      cudaStreamDestroy(stream);
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, std::vector<int>(4, 1));
}

}  // namespace
}  // namespace simcuda_test
