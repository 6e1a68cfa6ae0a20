// cuDNN entry points: handles, versions, status texts; and how work gets on a stream.
#include <algorithm>
#include <cstdio>
#include <cstring>

#include "cudnn_objects.h"
#include "devices.h"
#include "memory.h"
#include "stream.h"

namespace simcuda {
namespace {

constexpr std::size_t workspace_alignment = 16;

thread_local std::string last_error;

bool reachable(const CudnnRange& range) {
  if (range.bytes == 0 || device_memory().contains(range.address, range.bytes)) return true;
  std::fprintf(stderr, "simcuda: cuDNN: %s is not %zu bytes of device memory\n", range.name,
               range.bytes);
  return false;
}

}  // namespace

HandleTable<cudnnHandle_t, CudnnContext>& cudnn_contexts() {
  static auto* const table = new HandleTable<cudnnHandle_t, CudnnContext>;
  return *table;
}

std::size_t cudnn_handles() {
  return cudnn_contexts().size();
}

cudnnStatus_t cudnn_fail(cudnnStatus_t status, const char* why) {
  last_error = why;
  return status;
}

cudnnStatus_t cudnn_status_of(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return CUDNN_STATUS_SUCCESS;
    case cudaErrorMemoryAllocation:
      return CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED;
    case cudaErrorNoDevice:
      return CUDNN_STATUS_NOT_INITIALIZED;
    default:
      return CUDNN_STATUS_EXECUTION_FAILED_CUDART;
  }
}

bool cudnn_misaligned(const void* address, std::size_t alignment) {
  return reinterpret_cast<std::uintptr_t>(address) % alignment != 0;
}

cudnnStatus_t enqueue_cudnn(const CudnnContext& context, std::vector<CudnnRange> memory,
                            std::function<void()> work) {
  const auto stream = find_stream(context.stream);
  if (stream == nullptr)
    return cudnn_fail(CUDNN_STATUS_BAD_PARAM_STREAM_MISMATCH, "the handle's stream is none");
  const cudaError_t error = enqueue(*stream, [memory = std::move(memory), work = std::move(work)] {
    if (std::all_of(memory.begin(), memory.end(), reachable))
      work();
    else
      faults().raise(cudaErrorIllegalAddress);
  });
  return error == cudaSuccess ? CUDNN_STATUS_SUCCESS
                              : cudnn_fail(cudnn_status_of(error), "the stream refused the work");
}

cudnnStatus_t enqueue_convolution(const CudnnContext& context, const CudnnConvolution& convolution,
                                  const CudnnOperands& operands, std::size_t workspace_needed,
                                  std::size_t workspace_bytes) {
  if (operands.x == nullptr || operands.w == nullptr || operands.y == nullptr)
    return cudnn_fail(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "an operand is null");
  if (workspace_bytes < workspace_needed || (workspace_needed > 0 && operands.workspace == nullptr))
    return cudnn_fail(CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT, "the workspace is too small");
  if (workspace_needed > 0 && cudnn_misaligned(operands.workspace, workspace_alignment))
    return cudnn_fail(CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER, "the workspace is misaligned");
  if (cudnn_misaligned(operands.x, convolution.x.element_bytes()) ||
      cudnn_misaligned(operands.w, convolution.w.element_bytes()) ||
      cudnn_misaligned(operands.y, convolution.y.element_bytes()))
    return cudnn_fail(CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER, "an operand is misaligned");
  return enqueue_cudnn(context,
                       {{operands.x, convolution.x.bytes(), "x"},
                        {operands.w, convolution.w.bytes(), "w"},
                        {operands.y, convolution.y.bytes(), "y"},
                        {operands.workspace, workspace_needed, "the workspace"}},
                       [=] {
                         // A caller's data that lies there by mistake must not survive.
                         if (workspace_needed != 0)
                           std::memset(operands.workspace, 0xFF, workspace_needed);
                         compute_convolution(convolution, operands);
                       });
}

}  // namespace simcuda

using namespace simcuda;

size_t cudnnGetVersion(void) {
  return CUDNN_VERSION;
}

cudnnStatus_t cudnnCreate(cudnnHandle_t* handle) {
  return enter_cudnn(Call::unsafe, [&] {
    if (handle == nullptr) return cudnn_fail(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "no handle");
    *handle = cudnn_contexts().add(std::make_shared<CudnnContext>(CudnnContext{current_device()}));
    return CUDNN_STATUS_SUCCESS;
  });
}

cudnnStatus_t cudnnDestroy(cudnnHandle_t handle) {
  return enter_cudnn(Call::release, [&] {
    return cudnn_contexts().remove(handle)
               ? CUDNN_STATUS_SUCCESS
               : cudnn_fail(CUDNN_STATUS_BAD_PARAM, "an unknown handle");
  });
}

cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream) {
  return enter_cudnn(Call::ordinary, [&] {
    const auto context = cudnn_contexts().find(handle);
    if (context == nullptr) return cudnn_fail(CUDNN_STATUS_BAD_PARAM, "an unknown handle");
    if (find_stream(stream) == nullptr)
      return cudnn_fail(CUDNN_STATUS_BAD_PARAM_STREAM_MISMATCH, "a stream of another device");
    context->stream = stream;
    return CUDNN_STATUS_SUCCESS;
  });
}

const char* cudnnGetErrorString(cudnnStatus_t status) {
  switch (static_cast<int>(status)) {
    case CUDNN_STATUS_SUCCESS:
      return "CUDNN_STATUS_SUCCESS";
    case CUDNN_STATUS_NOT_INITIALIZED:
      return "CUDNN_STATUS_NOT_INITIALIZED";
    case CUDNN_STATUS_BAD_PARAM:
      return "CUDNN_STATUS_BAD_PARAM";
    case CUDNN_STATUS_BAD_PARAM_NULL_POINTER:
      return "CUDNN_STATUS_BAD_PARAM_NULL_POINTER";
    case CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER:
      return "CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER";
    case CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED:
      return "CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED";
    case CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT:
      return "CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT";
    case CUDNN_STATUS_BAD_PARAM_STREAM_MISMATCH:
      return "CUDNN_STATUS_BAD_PARAM_STREAM_MISMATCH";
    case CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE:
      return "CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE";
    case CUDNN_STATUS_NOT_SUPPORTED:
      return "CUDNN_STATUS_NOT_SUPPORTED";
    case CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED:
      return "CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED";
    case CUDNN_STATUS_EXECUTION_FAILED_CUDART:
      return "CUDNN_STATUS_EXECUTION_FAILED_CUDART";
    default:
      return "a cuDNN status";
  }
}

void cudnnGetLastErrorString(char* message, size_t max_size) {
  if (message == nullptr || max_size == 0) return;
  const std::size_t length = std::min(last_error.size(), max_size - 1);
  std::memcpy(message, last_error.data(), length);
  message[length] = '\0';
}
