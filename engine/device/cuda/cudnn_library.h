// cuDNN as it is called here: found at run time, so that the plug-in loads and its other kernels
// work where the library is absent, and so that the build needs its headers alone. (A weak link
// would still want libcudnn.so.9 present when the plug-in is loaded.) The simulated device links
// its own entry points instead, ENGINE_CUDNN_LINKED.
#pragma once

#include <cudnn.h>

#include <string>

#include "engine/device/cuda/check.h"

namespace engine::cuda {

/// Why cuDNN cannot be used, in one line, or "" where it can.
std::string cudnn_refusal();
/// "9.19.0", or "none".
std::string cudnn_version();

/// An entry point of the library; throws DeviceError when library or symbol is missing.
void* find_cudnn(const char* name);

/// Throws for anything but success: OutOfMemoryError, or DeviceError with call, status and the
/// library's own account of it.
void check(cudnnStatus_t status, const char* call);
void log_failure(cudnnStatus_t status, const char* call) noexcept;

/// Whether a status says that a problem, and nothing else, is beyond the library.
inline bool is_unsupported(cudnnStatus_t status) {
  return CUDNN_STATUS_CATEGORY(static_cast<int>(status)) == CUDNN_STATUS_NOT_SUPPORTED;
}
/// Whether the library solves what it was asked about; throws where it failed for another reason.
inline bool supports(cudnnStatus_t status, const char* call) {
  if (is_unsupported(status)) return false;
  check(status, call);
  return true;
}

}  // namespace engine::cuda

/// The function of this name, typed as the header declares it.
#ifdef ENGINE_CUDNN_LINKED
#define ENGINE_CUDNN(function) (function)
#else
#define ENGINE_CUDNN(function)                                                        \
  ([] {                                                                               \
    static auto* const entry =                                                        \
        reinterpret_cast<decltype(&function)>(::engine::cuda::find_cudnn(#function)); \
    return entry;                                                                     \
  }())
#endif

/// Calls a function of cuDNN and throws when it fails: ENGINE_CUDNN_CHECK(cudnnCreate, &handle).
#define ENGINE_CUDNN_CHECK(function, ...)                                  \
  do {                                                                     \
    ::engine::cuda::require_context(#function);                            \
    ::engine::cuda::check(ENGINE_CUDNN(function)(__VA_ARGS__), #function); \
  } while (false)

/// The same where the answer may be that the problem is not supported: an expression, false then.
#define ENGINE_CUDNN_SUPPORTS(function, ...)   \
  (::engine::cuda::require_context(#function), \
   ::engine::cuda::supports(ENGINE_CUDNN(function)(__VA_ARGS__), #function))
