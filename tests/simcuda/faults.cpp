#include "faults.h"

#include "devices.h"
#include "environment.h"
#include "work_queue.h"

namespace simcuda {
namespace {

thread_local cudaError_t last_error = cudaSuccess;

}  // namespace

Faults& faults() {
  static Faults* const instance = [] {
    auto* fresh = new Faults;  // outlives every static destructor
    fresh->reset();
    return fresh;
  }();
  return *instance;
}

std::recursive_mutex& entry_mutex() {
  static auto* const mutex = new std::recursive_mutex;
  return *mutex;
}

void Faults::reset() {
  const EnvironmentFault fault = environment_fault();
  sticky_ = last_error = cudaSuccess;
  arm(fault.call, fault.error);
}

void Faults::arm(std::uint64_t call, int error) {
  calls_ = 0;
  failing_call_ = call;
  failing_with_ = static_cast<cudaError_t>(error);
}

cudaError_t Faults::next_call() {
  ++calls_;
  if (sticky_ != cudaSuccess) return sticky_;
  if (calls_ != failing_call_) return cudaSuccess;
  raise(failing_with_);
  return failing_with_;
}

void Faults::raise(cudaError_t error) {
  if (sticky_ == cudaSuccess && is_sticky(error)) sticky_ = error;
}

// Errors after which the driver's context is lost.
bool is_sticky(cudaError_t error) {
  switch (error) {
    case cudaErrorIllegalAddress:
    case cudaErrorLaunchTimeout:
    case cudaErrorAssert:
    case cudaErrorHardwareStackError:
    case cudaErrorIllegalInstruction:
    case cudaErrorMisalignedAddress:
    case cudaErrorInvalidAddressSpace:
    case cudaErrorInvalidPc:
    case cudaErrorLaunchFailure:
    case cudaErrorECCUncorrectable:
      return true;
    default:
      return false;
  }
}

cudaError_t remember(cudaError_t error) {
  if (error != cudaSuccess && error != cudaErrorNotReady) last_error = error;
  return error;
}

cudaError_t refuse_call(Call kind) {
  // A host function on a stream must not call the runtime.
  if (work_queue().running()) return cudaErrorNotPermitted;
  const cudaError_t error = faults().next_call();
  if (error != cudaSuccess) return error;
  if (device_count() == 0) return cudaErrorNoDevice;
  if (kind == Call::unsafe || kind == Call::unsafe_release) return check_unsafe_call();
  return cudaSuccess;
}

}  // namespace simcuda

using simcuda::entry_mutex;
using simcuda::faults;

cudaError_t cudaGetLastError(void) {
  const std::lock_guard lock(entry_mutex());
  const cudaError_t error = cudaPeekAtLastError();
  simcuda::last_error = cudaSuccess;
  return error;
}

cudaError_t cudaPeekAtLastError(void) {
  const std::lock_guard lock(entry_mutex());
  const cudaError_t sticky = faults().sticky();
  return sticky != cudaSuccess ? sticky : simcuda::last_error;
}
