#include "engine/device/cuda/check.h"

#include <fmt/format.h>

#include <atomic>
#include <exception>

#include "engine/core/error.h"
#include "engine/core/log.h"

namespace engine::cuda {
namespace {

std::atomic<bool> lost{false};

// Errors after which the CUDA documentation asks for the process to be ended: illegal address,
// launch failures and hardware traps (700, 714 to 719), assertion (710) and uncorrectable ECC
// (214).
bool is_sticky(cudaError_t status) {
  const int code = static_cast<int>(status);
  return code == 214 || code == 700 || code == 710 || (code >= 714 && code <= 719);
}

// A #call may span lines; messages are one line, so only its function is named.
std::string function_of(const char* call) {
  const std::string text = call;
  return text.substr(0, text.find('('));
}

}  // namespace

bool context_lost() noexcept {
  return lost;
}

void require_context(const char* call) {
  if (lost)
    throw DeviceError(function_of(call) + " was not called: an earlier CUDA error lost the device",
                      true);
}

void dismiss(cudaError_t status) noexcept {
  if (is_sticky(status))
    lost = true;
  else if (status != cudaSuccess)
    cudaGetLastError();  // clears what the next launch would report again
}

void check(cudaError_t status, const char* call) {
  if (status == cudaSuccess) return;
  const bool sticky = is_sticky(status);
  dismiss(status);
  const std::string message = fmt::format("{} failed: {} ({})", function_of(call),
                                          cudaGetErrorName(status), cudaGetErrorString(status));
  if (status == cudaErrorMemoryAllocation) throw OutOfMemoryError(message);
  throw DeviceError(message, sticky);
}

void check(cublasStatus_t status, const char* call) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  const std::string message =
      fmt::format("{} failed: {} ({})", function_of(call), cublasLtGetStatusName(status),
                  cublasLtGetStatusString(status));
  // The library has statuses of its own for what may be a lost context.
  const bool sticky = is_sticky(cudaPeekAtLastError());
  if (sticky) lost = true;
  if (status == CUBLAS_STATUS_ALLOC_FAILED && !sticky) throw OutOfMemoryError(message);
  throw DeviceError(message, sticky);
}

void log_failure(cudaError_t status, const char* call) noexcept {
  try {
    check(status, call);
  } catch (const std::exception& error) {
    log::error(error.what());
  }
}

void log_failure(cublasStatus_t status, const char* call) noexcept {
  try {
    check(status, call);
  } catch (const std::exception& error) {
    log::error(error.what());
  }
}

}  // namespace engine::cuda
