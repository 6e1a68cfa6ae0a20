// Capture and replay: what a graph holds, and what must not happen while one is captured.
#include "kernels.h"
#include "support.h"

namespace simcuda_test {
namespace {

constexpr int count = 500;

class Graphs : public DeviceTest {
 protected:
  void SetUp() override {
    DeviceTest::SetUp();
    ASSERT_EQ(cudaStreamCreate(&stream_), cudaSuccess);
    ASSERT_EQ(cudaStreamCreate(&other_), cudaSuccess);
    ASSERT_EQ(cudaEventCreate(&fork_), cudaSuccess);
    ASSERT_EQ(cudaEventCreate(&join_), cudaSuccess);
  }
  void TearDown() override {
    cudaEventDestroy(fork_);
    cudaEventDestroy(join_);
    EXPECT_EQ(cudaStreamDestroy(stream_), cudaSuccess);
    EXPECT_EQ(cudaStreamDestroy(other_), cudaSuccess);
    DeviceTest::TearDown();
  }
  void begin(cudaStreamCaptureMode mode = cudaStreamCaptureModeGlobal) {
    ASSERT_EQ(cudaStreamBeginCapture(stream_, mode), cudaSuccess);
  }
  cudaError_t end() {
    const cudaError_t error = cudaStreamEndCapture(stream_, &graph_);
    EXPECT_EQ(error == cudaSuccess, graph_ != nullptr);
    return error;
  }
  void replay(int times) {
    cudaGraphExec_t executable = nullptr;
    ASSERT_EQ(cudaGraphInstantiate(&executable, graph_, 0), cudaSuccess);
    EXPECT_EQ(cudaGraphDestroy(graph_), cudaSuccess);
    for (int i = 0; i < times; ++i) ASSERT_EQ(cudaGraphLaunch(executable, stream_), cudaSuccess);
    ASSERT_EQ(cudaStreamSynchronize(stream_), cudaSuccess);
    EXPECT_EQ(cudaGraphExecDestroy(executable), cudaSuccess);
  }

  cudaStream_t stream_ = nullptr;
  cudaStream_t other_ = nullptr;
  cudaEvent_t fork_ = nullptr;
  cudaEvent_t join_ = nullptr;
  cudaGraph_t graph_ = nullptr;
};

TEST_F(Graphs, ReplayRepeatsWhatWasCaptured) {
  const Buffer<float> values(std::vector<float>(count, 0.0f));
  begin();
  ASSERT_EQ(add(values.data(), count, 1.0f, stream_), cudaSuccess);
  ASSERT_EQ(add(values.data(), count, 2.0f, stream_), cudaSuccess);
  ASSERT_EQ(end(), cudaSuccess);
  EXPECT_EQ(values.read(), std::vector<float>(count, 0.0f));  // capturing runs nothing
  std::size_t nodes = 0;
  ASSERT_EQ(cudaGraphGetNodes(graph_, nullptr, &nodes), cudaSuccess);
  EXPECT_EQ(nodes, 2u);
  replay(4);
  EXPECT_EQ(values.read(), std::vector<float>(count, 12.0f));
}

TEST_F(Graphs, ForkAndJoin) {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    simcuda_seed(seed);
    const Buffer<float> a(std::vector<float>(count, 1.0f)), b(count), c(count);
    begin();
    ASSERT_EQ(add(a.data(), count, 1.0f, stream_), cudaSuccess);
    ASSERT_EQ(cudaEventRecord(fork_, stream_), cudaSuccess);
    ASSERT_EQ(cudaStreamWaitEvent(other_, fork_, 0), cudaSuccess);
    ASSERT_EQ(copy(a.data(), b.data(), count, other_), cudaSuccess);
    ASSERT_EQ(cudaEventRecord(join_, other_), cudaSuccess);
    ASSERT_EQ(cudaStreamWaitEvent(stream_, join_, 0), cudaSuccess);
    ASSERT_EQ(copy(b.data(), c.data(), count, stream_), cudaSuccess);
    ASSERT_EQ(end(), cudaSuccess);
    replay(1);
    EXPECT_EQ(c.read(), std::vector<float>(count, 2.0f)) << seed;
  }
}

TEST_F(Graphs, MissingJoinIsAnError) {
  const Buffer<float> a(count);
  begin();
  ASSERT_EQ(cudaEventRecord(fork_, stream_), cudaSuccess);
  ASSERT_EQ(cudaStreamWaitEvent(other_, fork_, 0), cudaSuccess);
  ASSERT_EQ(add(a.data(), count, 1.0f, other_), cudaSuccess);
  EXPECT_EQ(end(), cudaErrorStreamCaptureUnjoined);
}

TEST_F(Graphs, UnsafeCallsEndTheCapture) {
  void* block = nullptr;
  begin();
  EXPECT_EQ(cudaMalloc(&block, 16), cudaErrorStreamCaptureUnsupported);
  EXPECT_EQ(end(), cudaErrorStreamCaptureInvalidated);
  begin();
  EXPECT_EQ(cudaStreamSynchronize(stream_), cudaErrorStreamCaptureUnsupported);
  EXPECT_EQ(cudaLaunchHostFunc(
                stream_, [](void*) {}, nullptr),
            cudaErrorStreamCaptureInvalidated);
  EXPECT_EQ(end(), cudaErrorStreamCaptureInvalidated);
  begin();
  EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorStreamCaptureUnsupported);
  EXPECT_EQ(end(), cudaErrorStreamCaptureInvalidated);
  begin(cudaStreamCaptureModeRelaxed);
  EXPECT_EQ(cudaMalloc(&block, 16), cudaSuccess);
  EXPECT_EQ(cudaFree(block), cudaSuccess);
  EXPECT_EQ(end(), cudaSuccess);
  EXPECT_EQ(cudaGraphDestroy(graph_), cudaSuccess);
}

TEST_F(Graphs, OutsideWorkMustNotComeIn) {
  ASSERT_EQ(cudaEventRecord(fork_, other_), cudaSuccess);
  begin();
  EXPECT_EQ(cudaStreamWaitEvent(stream_, fork_, 0), cudaErrorStreamCaptureIsolation);
  EXPECT_EQ(end(), cudaErrorStreamCaptureInvalidated);
  begin();
  EXPECT_EQ(cudaLaunchHostFunc(
                nullptr, [](void*) {}, nullptr),
            cudaErrorStreamCaptureImplicit);
  EXPECT_EQ(end(), cudaErrorStreamCaptureInvalidated);
  begin();
  ASSERT_EQ(cudaEventRecord(fork_, stream_), cudaSuccess);
  EXPECT_EQ(cudaEventSynchronize(fork_), cudaErrorCapturedEvent);
  EXPECT_EQ(end(), cudaErrorStreamCaptureInvalidated);
}

TEST_F(Graphs, PageableCopiesAreNotCaptured) {
  const Buffer<float> values(4);
  float host[4] = {};
  begin();
  EXPECT_EQ(cudaMemcpyAsync(values.data(), host, 16, cudaMemcpyHostToDevice, stream_),
            cudaErrorStreamCaptureUnsupported);
  EXPECT_EQ(end(), cudaErrorStreamCaptureInvalidated);
}

TEST_F(Graphs, PinnedCopiesAreReadAtEveryReplay) {
  const Buffer<float> values(1);
  float* pinned = nullptr;
  ASSERT_EQ(cudaMallocHost(reinterpret_cast<void**>(&pinned), 4), cudaSuccess);
  begin();
  ASSERT_EQ(cudaMemcpyAsync(values.data(), pinned, 4, cudaMemcpyHostToDevice, stream_),
            cudaSuccess);
  ASSERT_EQ(end(), cudaSuccess);
  *pinned = 8.0f;
  replay(1);
  EXPECT_EQ(values.read()[0], 8.0f);
  cudaFreeHost(pinned);
}

TEST_F(Graphs, CaptureMisuse) {
  EXPECT_EQ(end(), cudaErrorIllegalState);
  EXPECT_EQ(cudaStreamBeginCapture(nullptr, cudaStreamCaptureModeGlobal),
            cudaErrorStreamCaptureUnsupported);
  begin();
  EXPECT_EQ(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeGlobal), cudaErrorIllegalState);
  cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
  EXPECT_EQ(cudaStreamIsCapturing(stream_, &status), cudaSuccess);
  EXPECT_EQ(status, cudaStreamCaptureStatusActive);
  EXPECT_EQ(end(), cudaSuccess);
  EXPECT_EQ(cudaGraphDestroy(graph_), cudaSuccess);
  EXPECT_EQ(cudaGraphDestroy(graph_), cudaErrorInvalidValue);
}

}  // namespace
}  // namespace simcuda_test
