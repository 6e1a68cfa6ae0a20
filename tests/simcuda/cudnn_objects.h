// The simulated cuDNN: convolution through the legacy API and through graphs of one operation, and
// recurrent layers.
// Descriptors are kept as plain structures, statuses are those that cuDNN 9.19 was seen to answer.
#pragma once

#include <cudnn.h>

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "cudnn_convolution.h"
#include "faults.h"
#include "handles.h"

namespace simcuda {

struct CudnnContext {
  int device = 0;
  cudaStream_t stream = nullptr;
};

struct CudnnWindow {
  std::vector<std::int64_t> padding, stride, dilation;
  std::int64_t groups = 1;
  cudnnMathType_t math = CUDNN_DEFAULT_MATH;
  cudnnConvolutionMode_t mode = CUDNN_CROSS_CORRELATION;
  cudnnDataType_t compute = CUDNN_DATA_FLOAT;
};

HandleTable<cudnnHandle_t, CudnnContext>& cudnn_contexts();
HandleTable<cudnnTensorDescriptor_t, CudnnTensor>& cudnn_tensors();
HandleTable<cudnnFilterDescriptor_t, CudnnTensor>& cudnn_filters();
HandleTable<cudnnConvolutionDescriptor_t, CudnnWindow>& cudnn_windows();

// For the leak report.
std::size_t cudnn_handles();
std::size_t cudnn_legacy_descriptors();
std::size_t cudnn_backend_descriptors();
std::size_t cudnn_rnn_descriptors();

// Remembers what cudnnGetLastErrorString answers on this thread; answers `status` itself.
cudnnStatus_t cudnn_fail(cudnnStatus_t status, const char* why);
cudnnStatus_t cudnn_status_of(cudaError_t error);

// Device memory that a call touches, and what it is called.
struct CudnnRange {
  const void* address;
  std::size_t bytes;
  const char* name;
};
bool cudnn_misaligned(const void* address, std::size_t alignment);
// Puts work on the context's stream, an illegal address where memory is not what it must be when it
// runs.
cudnnStatus_t enqueue_cudnn(const CudnnContext& context, std::vector<CudnnRange> memory,
                            std::function<void()> work);

// Puts a checked convolution on the context's stream: sizes and alignment of the workspace now, the
// operands' memory when it runs.
cudnnStatus_t enqueue_convolution(const CudnnContext& context, const CudnnConvolution& convolution,
                                  const CudnnOperands& operands, std::size_t workspace_needed,
                                  std::size_t workspace_bytes);

// As `enter`, for entry points that answer a cuDNN status.
template <class Action>
cudnnStatus_t enter_cudnn(Call kind, Action action) {
  const std::lock_guard lock(entry_mutex());
  const cudaError_t refusal = refuse_call(kind);
  if (refusal == cudaSuccess) return action();
  if (kind == Call::release) action();
  return cudnn_fail(cudnn_status_of(refusal), "a CUDA call failed");
}

// What descriptors of all kinds have: a table they come from and go back to.
template <class Table, class Handle>
cudnnStatus_t cudnn_create(Table& table, Handle* out) {
  return enter_cudnn(Call::ordinary, [&] {
    if (out == nullptr) return cudnn_fail(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "no descriptor");
    *out = table.add();
    return CUDNN_STATUS_SUCCESS;
  });
}

template <class Table, class Handle>
cudnnStatus_t cudnn_destroy(Table& table, Handle handle) {
  return enter_cudnn(Call::release, [&] {
    return table.remove(handle) ? CUDNN_STATUS_SUCCESS
                                : cudnn_fail(CUDNN_STATUS_BAD_PARAM, "an unknown descriptor");
  });
}

template <class Table, class Handle, class Change>
cudnnStatus_t cudnn_change(const Table& table, Handle handle, Change apply) {
  return enter_cudnn(Call::ordinary, [&] {
    const auto object = table.find(handle);
    if (object == nullptr) return cudnn_fail(CUDNN_STATUS_BAD_PARAM, "an unknown descriptor");
    return apply(*object);
  });
}

}  // namespace simcuda
