// One NVIDIA GPU behind engine::Device: memory from cudaMalloc, one non-blocking stream a Stream,
// capture into CUDA graphs, and timing by events that are part of the graph itself.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <typeindex>
#include <vector>

#include "engine/device/cuda/handles.h"
#include "engine/device/device.h"

namespace engine::cuda {

class CudaDevice final : public Device {
 public:
  /// Device `index` of the driver's enumeration; throws DeviceError when it cannot be used.
  explicit CudaDevice(int index);

  const std::string& backend() const override;
  std::string name() const override { return "cuda:" + std::to_string(index_); }
  std::string fingerprint() const override { return fingerprint_; }
  std::size_t alignment() const override { return 256; }
  std::size_t available_memory() const override;
  std::unique_ptr<Stream> make_stream() override;
  std::shared_ptr<std::byte> host_memory(std::size_t bytes) override;
  std::unique_ptr<Replay> capture(Stream& stream, const std::function<void()>& body) override;
  std::vector<double> time(Stream& stream, int runs, const std::function<void()>& before_each,
                           const std::function<void()>& body) override;

  /// Makes this the calling thread's current device.
  void make_current() const;
  cublasLtHandle_t cublas() const { return cublas_.get(); }
  int index() const { return index_; }

  /// What a library keeps for this device, T(device): made when first asked for, destroyed with the
  /// device. What costs time and memory is thus not paid by those who do not use it.
  template <class T>
  T& library_state() {
    std::shared_ptr<void>& state = library_states_[typeid(T)];
    if (state == nullptr) state = std::make_shared<T>(*this);
    return *static_cast<T*>(state.get());
  }

 private:
  void* allocate(std::size_t bytes) override;
  void release(void* data) noexcept override;

  int index_;
  std::string fingerprint_;
  CublasLtHandle cublas_;
  std::map<std::type_index, std::shared_ptr<void>> library_states_;
};

/// Versions of driver, runtime and libraries, a line each.
std::vector<std::string> library_versions();

}  // namespace engine::cuda
