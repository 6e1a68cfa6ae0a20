// CUDA runtime entry points: memory, copies and fills.
//
// Asynchronous copies keep CUDA's promises and no more: pageable host memory is read at the call,
// pinned host memory when the copy executes, so that reusing a staging buffer too early shows.
// Copies from or to pageable memory cannot be captured here, as the address would be read later.
#include <cuda_runtime_api.h>

#include <cstring>
#include <memory>
#include <vector>

#include "devices.h"
#include "faults.h"
#include "memory.h"
#include "stream.h"

namespace simcuda {
namespace {

struct Copy {
  void* to;
  const void* from;
  std::size_t bytes;
  bool to_device;
  bool from_device;
};

// Checks a copy's pointers against its kind: cudaErrorInvalidValue where they disagree, or where a
// range leaves its allocation.
cudaError_t check_copy(Copy& copy, cudaMemcpyKind kind) {
  const DeviceMemory& memory = device_memory();
  copy.to_device = memory.in_region(copy.to);
  copy.from_device = memory.in_region(copy.from);
  if (copy.to == nullptr || copy.from == nullptr) return cudaErrorInvalidValue;
  if (copy.to_device && !memory.contains(copy.to, copy.bytes)) return cudaErrorInvalidValue;
  if (copy.from_device && !memory.contains(copy.from, copy.bytes)) return cudaErrorInvalidValue;
  const bool wants_to = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
  const bool wants_from = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
  if (kind == cudaMemcpyDefault) return cudaSuccess;
  if (kind < cudaMemcpyHostToHost || kind > cudaMemcpyDefault)
    return cudaErrorInvalidMemcpyDirection;
  return wants_to == copy.to_device && wants_from == copy.from_device ? cudaSuccess
                                                                      : cudaErrorInvalidValue;
}

cudaError_t enqueue_copy(Stream& stream, const Copy& copy) {
  const PinnedMemory& pinned = pinned_memory();
  const bool from_pageable = !copy.from_device && !pinned.contains(copy.from, copy.bytes);
  const bool to_pageable = !copy.to_device && !pinned.contains(copy.to, copy.bytes);
  if (from_pageable || to_pageable)
    if (stream.capture != nullptr) return refuse_if_captured(stream);
  if (from_pageable) {
    const auto* bytes = static_cast<const char*>(copy.from);
    auto snapshot = std::make_shared<std::vector<char>>(bytes, bytes + copy.bytes);
    const cudaError_t error =
        enqueue(stream, [=] { std::memcpy(copy.to, snapshot->data(), copy.bytes); });
    if (error != cudaSuccess) return error;
  } else {
    const cudaError_t error =
        enqueue(stream, [=] { std::memmove(copy.to, copy.from, copy.bytes); });
    if (error != cudaSuccess) return error;
  }
  if (to_pageable) synchronize(stream);  // CUDA returns from such a copy only when it is done
  return cudaSuccess;
}

cudaError_t copy_async(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                       cudaStream_t handle) {
  const auto stream = find_stream(handle);
  if (stream == nullptr) return cudaErrorInvalidResourceHandle;
  if (bytes == 0) return cudaSuccess;
  Copy copy{to, from, bytes, false, false};
  if (const cudaError_t error = check_copy(copy, kind)) return error;
  return enqueue_copy(*stream, copy);
}

cudaError_t fill_async(void* to, int value, std::size_t bytes, cudaStream_t handle) {
  const auto stream = find_stream(handle);
  if (stream == nullptr) return cudaErrorInvalidResourceHandle;
  if (bytes == 0) return cudaSuccess;
  if (!device_memory().contains(to, bytes)) return cudaErrorInvalidValue;
  return enqueue(*stream, [=] { std::memset(to, value, bytes); });
}

cudaError_t allocate_device(void** out, std::size_t bytes) {
  if (out == nullptr) return cudaErrorInvalidValue;
  *out = nullptr;
  if (bytes == 0) return cudaSuccess;
  *out = device_memory().allocate(bytes, current_device());
  return *out == nullptr ? cudaErrorMemoryAllocation : cudaSuccess;
}

}  // namespace
}  // namespace simcuda

using namespace simcuda;

cudaError_t cudaMalloc(void** out, size_t bytes) {
  return enter(Call::unsafe, [=] { return allocate_device(out, bytes); });
}

cudaError_t cudaFree(void* address) {
  return enter(Call::unsafe_release, [=] {
    if (address == nullptr) return cudaSuccess;
    const int device = device_memory().device_of(address);
    if (device < 0) return cudaErrorInvalidValue;
    synchronize_device(device);
    if (!device_memory().release(address)) return cudaErrorInvalidValue;
    return faults().sticky();
  });
}

// Usable at once, where CUDA promises it in stream order only; given back in stream order.
cudaError_t cudaMallocAsync(void** out, size_t bytes, cudaStream_t handle) {
  return enter(Call::ordinary, [=] {
    const auto stream = find_stream(handle);
    if (stream == nullptr) return cudaErrorInvalidResourceHandle;
    if (stream->capture != nullptr) return refuse_if_captured(*stream);
    return allocate_device(out, bytes);
  });
}

cudaError_t cudaFreeAsync(void* address, cudaStream_t handle) {
  return enter(Call::release, [=] {
    const auto stream = find_stream(handle);
    if (stream == nullptr) return cudaErrorInvalidResourceHandle;
    if (address == nullptr) return cudaSuccess;
    if (stream->capture != nullptr) return refuse_if_captured(*stream);
    if (device_memory().device_of(address) < 0) return cudaErrorInvalidValue;
    return enqueue(*stream, [=] { device_memory().release(address); });
  });
}

cudaError_t cudaHostAlloc(void** out, size_t bytes, unsigned) {
  return enter(Call::unsafe, [=] {
    if (out == nullptr) return cudaErrorInvalidValue;
    *out = bytes == 0 ? nullptr : pinned_memory().allocate(bytes);
    return *out == nullptr && bytes != 0 ? cudaErrorMemoryAllocation : cudaSuccess;
  });
}

cudaError_t cudaMallocHost(void** out, size_t bytes) {
  return cudaHostAlloc(out, bytes, cudaHostAllocDefault);
}

cudaError_t cudaFreeHost(void* address) {
  return enter(Call::unsafe_release, [=] {
    if (address == nullptr) return cudaSuccess;
    synchronize_device(current_device());
    return pinned_memory().release(address) ? cudaSuccess : cudaErrorInvalidValue;
  });
}

cudaError_t cudaHostRegister(void* address, size_t bytes, unsigned) {
  return enter(Call::unsafe, [=] {
    if (address == nullptr || bytes == 0) return cudaErrorInvalidValue;
    return pinned_memory().add(address, bytes) ? cudaSuccess : cudaErrorHostMemoryAlreadyRegistered;
  });
}

cudaError_t cudaHostUnregister(void* address) {
  return enter(Call::unsafe_release, [=] {
    synchronize_device(current_device());
    return pinned_memory().remove(address) ? cudaSuccess : cudaErrorHostMemoryNotRegistered;
  });
}

cudaError_t cudaMemGetInfo(size_t* free_bytes, size_t* total_bytes) {
  return enter(Call::ordinary, [=] {
    if (free_bytes == nullptr || total_bytes == nullptr) return cudaErrorInvalidValue;
    const std::size_t quota = device_memory().quota();
    const std::size_t used = device_memory().used(current_device());
    *free_bytes = used < quota ? quota - used : 0;
    *total_bytes = quota;
    return cudaSuccess;
  });
}

cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* out, const void* address) {
  return enter(Call::ordinary, [=] {
    if (out == nullptr) return cudaErrorInvalidValue;
    *out = {};
    out->type = cudaMemoryTypeUnregistered;
    out->device = device_memory().device_of(address);
    auto* pointer = const_cast<void*>(address);
    if (out->device >= 0) {
      out->type = cudaMemoryTypeDevice;
      out->devicePointer = pointer;
    } else if (pinned_memory().contains(address, 1)) {
      out->type = cudaMemoryTypeHost;
      out->device = current_device();
      out->devicePointer = out->hostPointer = pointer;
    } else {
      out->hostPointer = pointer;
    }
    return cudaSuccess;
  });
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  return enter(Call::ordinary, [=] { return copy_async(to, from, bytes, kind, stream); });
}

cudaError_t cudaMemcpy(void* to, const void* from, size_t bytes, cudaMemcpyKind kind) {
  return enter(Call::unsafe, [=] {
    if (const cudaError_t error = copy_async(to, from, bytes, kind, nullptr)) return error;
    synchronize(*find_stream(nullptr));
    return faults().sticky();
  });
}

cudaError_t cudaMemsetAsync(void* to, int value, size_t bytes, cudaStream_t stream) {
  return enter(Call::ordinary, [=] { return fill_async(to, value, bytes, stream); });
}

cudaError_t cudaMemset(void* to, int value, size_t bytes) {
  return enter(Call::unsafe, [=] { return fill_async(to, value, bytes, nullptr); });
}
