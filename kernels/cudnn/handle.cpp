#include "kernels/cudnn/handle.h"

namespace engine::cuda {

CudnnHandle::CudnnHandle(const CudaDevice& device) {
  device.make_current();
  cudnnHandle_t created = nullptr;
  ENGINE_CUDNN_CHECK(cudnnCreate, &created);
  handle_.reset(created);
}

CudnnHandle& CudnnHandle::of(Device& device) {
  return static_cast<CudaDevice&>(device).library_state<CudnnHandle>();
}

cudnnHandle_t CudnnHandle::on(const Stream& stream) const {
  ENGINE_CUDNN_CHECK(cudnnSetStream, handle_.get(), static_cast<cudaStream_t>(stream.native()));
  return handle_.get();
}

}  // namespace engine::cuda
