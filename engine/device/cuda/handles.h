// Move-only owners of what the CUDA libraries hand out. Destruction never throws: failures are
// logged, and once the context is lost handles are left to the end of the process.
#pragma once

#include <memory>
#include <type_traits>

#include "engine/device/cuda/check.h"

namespace engine::cuda {

struct StreamDeleter {
  void operator()(cudaStream_t stream) const noexcept {
    ENGINE_CUDA_CLEANUP(cudaStreamDestroy(stream));
  }
};
struct EventDeleter {
  void operator()(cudaEvent_t event) const noexcept {
    ENGINE_CUDA_CLEANUP(cudaEventDestroy(event));
  }
};
struct GraphDeleter {
  void operator()(cudaGraph_t graph) const noexcept {
    ENGINE_CUDA_CLEANUP(cudaGraphDestroy(graph));
  }
};
struct GraphExecDeleter {
  void operator()(cudaGraphExec_t graph) const noexcept {
    ENGINE_CUDA_CLEANUP(cudaGraphExecDestroy(graph));
  }
};
struct PinnedDeleter {
  void operator()(std::byte* memory) const noexcept { ENGINE_CUDA_CLEANUP(cudaFreeHost(memory)); }
};
struct CublasLtDeleter {
  void operator()(cublasLtHandle_t handle) const noexcept {
    ENGINE_CUDA_CLEANUP(cublasLtDestroy(handle));
  }
};

template <class Pointer, class Deleter>
using Handle = std::unique_ptr<std::remove_pointer_t<Pointer>, Deleter>;

using StreamHandle = Handle<cudaStream_t, StreamDeleter>;
using EventHandle = Handle<cudaEvent_t, EventDeleter>;
using GraphHandle = Handle<cudaGraph_t, GraphDeleter>;
using GraphExecHandle = Handle<cudaGraphExec_t, GraphExecDeleter>;
using PinnedMemory = std::unique_ptr<std::byte, PinnedDeleter>;
using CublasLtHandle = Handle<cublasLtHandle_t, CublasLtDeleter>;

}  // namespace engine::cuda
