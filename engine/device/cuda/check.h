// Turns the status of CUDA and cuBLASLt calls into exceptions. After a sticky error (the context is
// lost) every further call would fail too, so the process remembers it and makes no more of them.
#pragma once

#include <cublasLt.h>
#include <cuda_runtime_api.h>

namespace engine::cuda {

/// Whether a sticky error has been seen: handles are then abandoned instead of destroyed.
bool context_lost() noexcept;
/// Throws a sticky DeviceError naming `call` when the context is lost.
void require_context(const char* call);
/// Throws for anything but success: OutOfMemoryError, or DeviceError with call, error name and
/// text.
void check(cudaError_t status, const char* call);
void check(cublasStatus_t status, const char* call);
/// For a call that may fail: clears the failure, but remembers a lost context.
void dismiss(cudaError_t status) noexcept;
/// For destructors: logs what check() would throw.
void log_failure(cudaError_t status, const char* call) noexcept;
void log_failure(cublasStatus_t status, const char* call) noexcept;

}  // namespace engine::cuda

/// Makes a CUDA runtime or cuBLASLt call and throws when it fails.
#define ENGINE_CUDA_CHECK(call)             \
  do {                                      \
    ::engine::cuda::require_context(#call); \
    ::engine::cuda::check((call), #call);   \
  } while (false)

/// The same where nothing may be thrown: failures are logged, and no call is made on a lost
/// context.
#define ENGINE_CUDA_CLEANUP(call)                                                    \
  do {                                                                               \
    if (!::engine::cuda::context_lost()) ::engine::cuda::log_failure((call), #call); \
  } while (false)
