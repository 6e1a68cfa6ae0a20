// Every entry point passes through here: the lock, injected and sticky errors, and the error that
// cudaGetLastError answers.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <mutex>

namespace simcuda {

// What an entry point may do while it is refused, or while a stream captures.
enum class Call : std::uint8_t {
  ordinary,
  unsafe,   // forbidden during capture: may synchronize or allocate
  release,  // gives something back even where it answers an error
  unsafe_release,
};

class Faults {
 public:
  void reset();
  void arm(std::uint64_t call, int error);
  std::uint64_t calls() const { return calls_; }

  // Counts a call; answers the error it must fail with, or success.
  cudaError_t next_call();
  cudaError_t sticky() const { return sticky_; }
  void raise(cudaError_t error);  // an asynchronous fault: sticky if it is of that kind

 private:
  std::uint64_t calls_ = 0;
  std::uint64_t failing_call_ = 0;
  cudaError_t failing_with_ = cudaSuccess;
  cudaError_t sticky_ = cudaSuccess;
};

Faults& faults();
std::recursive_mutex& entry_mutex();

bool is_sticky(cudaError_t error);

// Remembers what cudaGetLastError answers on this thread; answers `error` itself.
cudaError_t remember(cudaError_t error);

// cudaErrorStreamCaptureUnsupported where a capture forbids unsafe calls on this thread, and
// invalidates that capture (in capture.cpp).
cudaError_t check_unsafe_call();

cudaError_t refuse_call(Call kind);

// The body of an entry point: `action` answers a cudaError_t and runs under the lock.
template <class Action>
cudaError_t enter(Call kind, Action action) {
  const std::lock_guard lock(entry_mutex());
  const cudaError_t refusal = refuse_call(kind);
  const bool releases = kind == Call::release || kind == Call::unsafe_release;
  if (refusal == cudaSuccess) return remember(action());
  const bool by_capture = refusal == cudaErrorStreamCaptureUnsupported;
  if (releases && !by_capture && refusal != cudaErrorNotPermitted) action();
  return remember(refusal);
}

}  // namespace simcuda
