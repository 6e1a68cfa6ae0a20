// The library's handle, one a device, and owners of its descriptors.
#pragma once

#include "engine/device/cuda/cuda_device.h"
#include "engine/device/cuda/cudnn_library.h"

namespace engine::cuda {

template <class Pointer>
using CudnnDestroy = cudnnStatus_t (*)(Pointer);

/// Destroys with what `get_destroy` answers: its address is not known before run time.
template <class Pointer, CudnnDestroy<Pointer> (*get_destroy)()>
struct CudnnDeleter {
  void operator()(Pointer pointer) const noexcept {
    if (!context_lost()) log_failure(get_destroy()(pointer), "destroying a cuDNN object");
  }
};

/// A descriptor that is destroyed with what `get_destroy` answers.
template <class Pointer, CudnnDestroy<Pointer> (*get_destroy)()>
using CudnnDescriptor = Handle<Pointer, CudnnDeleter<Pointer, get_destroy>>;

inline CudnnDestroy<cudnnTensorDescriptor_t> destroy_tensor() {
  return ENGINE_CUDNN(cudnnDestroyTensorDescriptor);
}
using TensorDescriptor = CudnnDescriptor<cudnnTensorDescriptor_t, destroy_tensor>;

/// The library's state for a device. Not for two threads at once, like the device itself.
class CudnnHandle {
 public:
  explicit CudnnHandle(const CudaDevice& device);

  /// The handle of `device`, made when first asked for; throws DeviceError without the library.
  static CudnnHandle& of(Device& device);

  cudnnHandle_t get() const { return handle_.get(); }
  /// The handle, its work going to `stream` from now on.
  cudnnHandle_t on(const Stream& stream) const;

 private:
  static CudnnDestroy<cudnnHandle_t> destroy() { return ENGINE_CUDNN(cudnnDestroy); }
  Handle<cudnnHandle_t, CudnnDeleter<cudnnHandle_t, destroy>> handle_;
};

}  // namespace engine::cuda
