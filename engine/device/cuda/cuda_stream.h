// A CUDA stream with a small pinned area, so that scalars and metrics travel without making the
// host wait: the runtime copies pageable memory synchronously.
#pragma once

#include <vector>

#include "engine/device/cuda/cuda_device.h"

namespace engine::cuda {

/// Throws DeviceError.
PinnedMemory allocate_pinned(std::size_t bytes);

class CudaStream final : public Stream {
 public:
  explicit CudaStream(CudaDevice& device);
  ~CudaStream() override;

  Device& device() const override { return device_; }
  void synchronize() override;
  /// Small copies go through pinned memory. For larger ones the runtime itself stages pageable
  /// memory before it returns (CUDA Runtime API, "API synchronization behavior").
  void copy_to_device(void* destination, const void* source, std::size_t bytes) override;
  void copy_to_host(void* destination, const void* source, std::size_t bytes) override;
  void copy_on_device(void* destination, const void* source, std::size_t bytes) override;
  void fill(void* destination, unsigned char byte, std::size_t bytes) override;
  /// The cudaStream_t, its device made current for the launch that follows.
  void* native() const override;

  /// What runs between begin and end is recorded. Host copies cannot be: they would be replayed
  /// from memory that has moved on.
  void begin_capture();
  GraphHandle end_capture();
  /// Ends a capture whose body has thrown.
  void abandon_capture() noexcept;

 private:
  /// `bytes` of pinned memory until the next synchronize(); nullptr when that is too much.
  std::byte* stage(std::size_t bytes);
  void require_no_capture(const char* what) const;

  /// A copy to the host that has landed in pinned memory once the stream is synchronized.
  struct Landing {
    void* destination;
    const std::byte* staged;
    std::size_t bytes;
  };

  CudaDevice& device_;
  StreamHandle stream_;
  PinnedMemory pinned_;
  std::size_t staged_bytes_ = 0;
  std::vector<Landing> landings_;
  bool capturing_ = false;
};

}  // namespace engine::cuda
