#include "engine/device/cuda/cuda_device.h"

#include <fmt/format.h>

#include <utility>

#include "engine/core/error.h"
#include "engine/core/log.h"
#include "engine/device/cuda/cuda_stream.h"
#ifdef ENGINE_WITH_CUDNN
#include "engine/device/cuda/cudnn_library.h"
#endif

namespace engine::cuda {
namespace {

// 13000 -> "13.0": the runtime's and the driver's numbering; 0 means that it is not there.
std::string cuda_version(int version) {
  if (version == 0) return "none";
  return fmt::format("{}.{}", version / 1000, version % 1000 / 10);
}

int driver_version() {
  int version = 0;
  ENGINE_CUDA_CHECK(cudaDriverGetVersion(&version));
  return version;
}

int runtime_version() {
  int version = 0;
  ENGINE_CUDA_CHECK(cudaRuntimeGetVersion(&version));
  return version;
}

std::string cublas_version() {
  const std::size_t version = cublasLtGetVersion();
  return fmt::format("{}.{}.{}", version / 10000, version / 100 % 100, version % 100);
}

#ifndef ENGINE_WITH_CUDNN
std::string cudnn_version() {
  return "none";
}

std::string cudnn_refusal() {
  return "built without it";
}
#endif

std::string describe_device(int index) {
  cudaDeviceProp properties{};
  ENGINE_CUDA_CHECK(cudaGetDeviceProperties(&properties, index));
  return fmt::format("{} · cc {}.{} · driver {} · runtime {} · cuBLAS {} · cuDNN {}",
                     properties.name, properties.major, properties.minor,
                     cuda_version(driver_version()), cuda_version(runtime_version()),
                     cublas_version(), cudnn_version());
}

CublasLtHandle create_cublas() {
  cublasLtHandle_t handle = nullptr;
  ENGINE_CUDA_CHECK(cublasLtCreate(&handle));
  return CublasLtHandle(handle);
}

EventHandle create_event() {
  cudaEvent_t event = nullptr;
  ENGINE_CUDA_CHECK(cudaEventCreate(&event));
  return EventHandle(event);
}

GraphHandle capture_graph(CudaStream& stream, const std::function<void()>& body) {
  stream.begin_capture();
  try {
    body();
  } catch (...) {
    stream.abandon_capture();
    throw;
  }
  return stream.end_capture();
}

GraphExecHandle instantiate(const GraphHandle& graph) {
  cudaGraphExec_t instance = nullptr;
  ENGINE_CUDA_CHECK(cudaGraphInstantiate(&instance, graph.get(), 0));
  return GraphExecHandle(instance);
}

cudaStream_t native_stream(const Stream& stream) {
  return static_cast<cudaStream_t>(stream.native());
}

class GraphReplay final : public Replay {
 public:
  explicit GraphReplay(GraphExecHandle instance) : instance_(std::move(instance)) {}
  void launch(Stream& stream) override {
    ENGINE_CUDA_CHECK(cudaGraphLaunch(instance_.get(), native_stream(stream)));
  }

 private:
  GraphExecHandle instance_;
};

// Brackets `body` with two event records. Inside a graph they are nodes of it, so that the interval
// holds no launch latency of the host.
class Stopwatch {
 public:
  void enqueue(cudaStream_t stream, const std::function<void()>& body, bool in_graph) {
    const unsigned flags = in_graph ? cudaEventRecordExternal : cudaEventRecordDefault;
    ENGINE_CUDA_CHECK(cudaEventRecordWithFlags(start_.get(), stream, flags));
    body();
    ENGINE_CUDA_CHECK(cudaEventRecordWithFlags(stop_.get(), stream, flags));
  }
  /// Valid once the stream is synchronized.
  double microseconds() const {
    float milliseconds = 0;
    ENGINE_CUDA_CHECK(cudaEventElapsedTime(&milliseconds, start_.get(), stop_.get()));
    return 1000.0 * milliseconds;
  }

 private:
  EventHandle start_ = create_event();
  EventHandle stop_ = create_event();
};

// The timed graph, or nothing when `body` cannot be captured; anything worse than that is thrown.
GraphExecHandle capture_timed(CudaStream& stream, Stopwatch& watch,
                              const std::function<void()>& body) {
  const cudaStream_t native = native_stream(stream);
  try {
    return instantiate(capture_graph(stream, [&] { watch.enqueue(native, body, true); }));
  } catch (const DeviceError& error) {
    if (error.sticky()) throw;
    log::debug(std::string("timed without capture: ") + error.what());
    return nullptr;
  }
}

}  // namespace

CudaDevice::CudaDevice(int index) : index_(index) {
  make_current();
  fingerprint_ = describe_device(index);
  cublas_ = create_cublas();
}

const std::string& CudaDevice::backend() const {
  static const std::string name = "cuda";
  return name;
}

void CudaDevice::make_current() const {
  ENGINE_CUDA_CHECK(cudaSetDevice(index_));
}

std::size_t CudaDevice::available_memory() const {
  make_current();
  std::size_t free = 0, total = 0;
  ENGINE_CUDA_CHECK(cudaMemGetInfo(&free, &total));
  return free;
}

std::unique_ptr<Stream> CudaDevice::make_stream() {
  return std::make_unique<CudaStream>(*this);
}

std::shared_ptr<std::byte> CudaDevice::host_memory(std::size_t bytes) {
  make_current();
  return allocate_pinned(bytes);
}

std::unique_ptr<Replay> CudaDevice::capture(Stream& stream, const std::function<void()>& body) {
  make_current();
  return std::make_unique<GraphReplay>(
      instantiate(capture_graph(static_cast<CudaStream&>(stream), body)));
}

std::vector<double> CudaDevice::time(Stream& stream, int runs,
                                     const std::function<void()>& before_each,
                                     const std::function<void()>& body) {
  Stopwatch watch;
  const GraphExecHandle graph = capture_timed(static_cast<CudaStream&>(stream), watch, body);
  const cudaStream_t native = native_stream(stream);
  std::vector<double> times;
  for (int run = 0; run < runs; ++run) {
    before_each();
    if (graph)
      ENGINE_CUDA_CHECK(cudaGraphLaunch(graph.get(), native));
    else
      watch.enqueue(native, body, false);
    stream.synchronize();
    times.push_back(watch.microseconds());
  }
  return times;
}

void* CudaDevice::allocate(std::size_t bytes) {
  make_current();
  if (bytes == 0) return nullptr;
  void* data = nullptr;
  const cudaError_t status = cudaMalloc(&data, bytes);
  if (status == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    throw OutOfMemoryError(fmt::format("{}: out of memory: {} bytes asked for, {} available",
                                       name(), bytes, available_memory()));
  }
  check(status, "cudaMalloc");
  return data;
}

void CudaDevice::release(void* data) noexcept {
  if (data != nullptr) ENGINE_CUDA_CLEANUP(cudaFree(data));
}

std::vector<std::string> library_versions() {
  const std::string no_cudnn = cudnn_refusal();
  return {"CUDA driver " + cuda_version(driver_version()),
          "CUDA runtime " + cuda_version(runtime_version()), "cuBLAS " + cublas_version(),
          "cuDNN " + cudnn_version() + (no_cudnn.empty() ? "" : " (" + no_cudnn + ")")};
}

}  // namespace engine::cuda
