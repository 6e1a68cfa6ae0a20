#include "engine/device/cuda/cudnn_library.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <array>

#include "engine/core/error.h"
#include "engine/core/log.h"

namespace engine::cuda {
namespace {

#ifndef ENGINE_CUDNN_LINKED
#ifndef ENGINE_CUDNN_FILE
#define ENGINE_CUDNN_FILE "libcudnn.so.9"
#endif

struct Library {
  void* handle = nullptr;
  std::string why;
};

// Opened once, and never closed: its kernels and threads may outlive any one device.
const Library& library() {
  static const Library opened = [] {
    Library result{dlopen(ENGINE_CUDNN_FILE, RTLD_NOW | RTLD_LOCAL), ""};
    if (result.handle == nullptr) {
      const char* reason = dlerror();
      result.why = reason == nullptr ? ENGINE_CUDNN_FILE " was not found" : reason;
    }
    return result;
  }();
  return opened;
}
#endif

// The library's account of this thread's last failure; it may span lines.
std::string last_error() {
  std::array<char, 512> text{};
  ENGINE_CUDNN(cudnnGetLastErrorString)(text.data(), text.size());
  std::string line(text.data());
  for (char& c : line)
    if (c == '\n') c = ' ';
  return line;
}

}  // namespace

#ifdef ENGINE_CUDNN_LINKED
std::string cudnn_refusal() {
  return "";
}
#else
std::string cudnn_refusal() {
  return library().why;
}

void* find_cudnn(const char* name) {
  if (library().handle == nullptr) throw DeviceError("no cuDNN: " + library().why);
  void* entry = dlsym(library().handle, name);
  if (entry == nullptr) throw DeviceError(fmt::format(ENGINE_CUDNN_FILE " has no {}", name));
  return entry;
}
#endif

std::string cudnn_version() {
  if (!cudnn_refusal().empty()) return "none";
  const std::size_t version = ENGINE_CUDNN(cudnnGetVersion)();
  return fmt::format("{}.{}.{}", version / 10000, version / 100 % 100, version % 100);
}

void check(cudnnStatus_t status, const char* call) {
  if (status == CUDNN_STATUS_SUCCESS) return;
  std::string message =
      fmt::format("{} failed: {}", call, ENGINE_CUDNN(cudnnGetErrorString)(status));
  if (const std::string detail = last_error(); !detail.empty()) message += " (" + detail + ")";
  // The library has statuses of its own for what may be a lost context.
  dismiss(cudaPeekAtLastError());
  if (context_lost()) throw DeviceError(message, true);
  if (status == CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED ||
      status == CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED)
    throw OutOfMemoryError(message);
  throw DeviceError(message);
}

void log_failure(cudnnStatus_t status, const char* call) noexcept {
  try {
    check(status, call);
  } catch (const std::exception& error) {
    log::error(error.what());
  }
}

}  // namespace engine::cuda
