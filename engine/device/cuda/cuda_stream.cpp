#include "engine/device/cuda/cuda_stream.h"

#include <cstring>
#include <string>

#include "engine/core/error.h"

namespace engine::cuda {
namespace {

constexpr std::size_t kPinnedBytes = 64 * 1024;
constexpr std::size_t kStagingAlignment = 16;

StreamHandle create_stream() {
  cudaStream_t stream = nullptr;
  ENGINE_CUDA_CHECK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  return StreamHandle(stream);
}

}  // namespace

PinnedMemory allocate_pinned(std::size_t bytes) {
  void* memory = nullptr;
  ENGINE_CUDA_CHECK(cudaMallocHost(&memory, bytes));
  return PinnedMemory(static_cast<std::byte*>(memory));
}

CudaStream::CudaStream(CudaDevice& device) : device_(device) {
  device_.make_current();
  stream_ = create_stream();
  pinned_ = allocate_pinned(kPinnedBytes);
}

// Work may still read the pinned area and whatever the caller frees next.
CudaStream::~CudaStream() {
  ENGINE_CUDA_CLEANUP(cudaStreamSynchronize(stream_.get()));
}

void* CudaStream::native() const {
  device_.make_current();
  return stream_.get();
}

void CudaStream::synchronize() {
  require_no_capture("waiting for the stream");
  ENGINE_CUDA_CHECK(cudaStreamSynchronize(stream_.get()));
  for (const Landing& landing : landings_)
    std::memcpy(landing.destination, landing.staged, landing.bytes);
  landings_.clear();
  staged_bytes_ = 0;
}

std::byte* CudaStream::stage(std::size_t bytes) {
  if (bytes > kPinnedBytes - staged_bytes_) return nullptr;
  std::byte* staged = pinned_.get() + staged_bytes_;
  staged_bytes_ += (bytes + kStagingAlignment - 1) / kStagingAlignment * kStagingAlignment;
  return staged;
}

void CudaStream::require_no_capture(const char* what) const {
  ENGINE_CHECK(!capturing_, std::string(what) + " cannot be captured");
}

void CudaStream::copy_to_device(void* destination, const void* source, std::size_t bytes) {
  require_no_capture("a copy from the host");
  if (bytes == 0) return;
  device_.make_current();  // a thread that brings data may be new
  if (std::byte* staged = stage(bytes)) {
    std::memcpy(staged, source, bytes);
    source = staged;
  }
  ENGINE_CUDA_CHECK(
      cudaMemcpyAsync(destination, source, bytes, cudaMemcpyHostToDevice, stream_.get()));
}

void CudaStream::copy_to_host(void* destination, const void* source, std::size_t bytes) {
  require_no_capture("a copy to the host");
  if (bytes == 0) return;
  std::byte* staged = stage(bytes);
  ENGINE_CUDA_CHECK(cudaMemcpyAsync(staged != nullptr ? staged : destination, source, bytes,
                                    cudaMemcpyDeviceToHost, stream_.get()));
  if (staged != nullptr) landings_.push_back({destination, staged, bytes});
}

void CudaStream::copy_on_device(void* destination, const void* source, std::size_t bytes) {
  if (bytes == 0) return;
  ENGINE_CUDA_CHECK(
      cudaMemcpyAsync(destination, source, bytes, cudaMemcpyDeviceToDevice, stream_.get()));
}

void CudaStream::fill(void* destination, unsigned char byte, std::size_t bytes) {
  if (bytes == 0) return;
  ENGINE_CUDA_CHECK(cudaMemsetAsync(destination, byte, bytes, stream_.get()));
}

void CudaStream::begin_capture() {
  require_no_capture("another capture");
  ENGINE_CUDA_CHECK(cudaStreamBeginCapture(stream_.get(), cudaStreamCaptureModeThreadLocal));
  capturing_ = true;
}

GraphHandle CudaStream::end_capture() {
  require_context("cudaStreamEndCapture");
  cudaGraph_t graph = nullptr;
  capturing_ = false;
  const cudaError_t status = cudaStreamEndCapture(stream_.get(), &graph);
  GraphHandle owned(graph);
  check(status, "cudaStreamEndCapture");
  return owned;
}

void CudaStream::abandon_capture() noexcept {
  cudaGraph_t graph = nullptr;
  capturing_ = false;
  // What made the body throw is on its way to the caller; that the capture ends invalid is
  // expected.
  if (context_lost()) return;
  dismiss(cudaStreamEndCapture(stream_.get(), &graph));
  if (graph != nullptr) GraphHandle(graph).reset();
}

}  // namespace engine::cuda
