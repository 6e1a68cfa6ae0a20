// cudaGetErrorName and cudaGetErrorString for the errors that the simulated device can answer, and
// the few that callers test for.
#include <cuda_runtime_api.h>

namespace {

struct Description {
  cudaError_t error;
  const char* name;
  const char* text;
};

#define SIMCUDA_ERROR(error, text) \
  { error, #error, text }

constexpr Description descriptions[] = {
    SIMCUDA_ERROR(cudaSuccess, "no error"),
    SIMCUDA_ERROR(cudaErrorInvalidValue, "invalid argument"),
    SIMCUDA_ERROR(cudaErrorMemoryAllocation, "out of memory"),
    SIMCUDA_ERROR(cudaErrorInitializationError, "initialization error"),
    SIMCUDA_ERROR(cudaErrorCudartUnloading, "driver shutting down"),
    SIMCUDA_ERROR(cudaErrorInvalidConfiguration, "invalid configuration argument"),
    SIMCUDA_ERROR(cudaErrorInvalidMemcpyDirection, "invalid copy direction for memcpy"),
    SIMCUDA_ERROR(cudaErrorInsufficientDriver,
                  "CUDA driver version is insufficient for CUDA runtime version"),
    SIMCUDA_ERROR(cudaErrorInvalidDeviceFunction, "invalid device function"),
    SIMCUDA_ERROR(cudaErrorNoDevice, "no CUDA-capable device is detected"),
    SIMCUDA_ERROR(cudaErrorInvalidDevice, "invalid device ordinal"),
    SIMCUDA_ERROR(cudaErrorNoKernelImageForDevice,
                  "no kernel image is available for execution on the device"),
    SIMCUDA_ERROR(cudaErrorECCUncorrectable, "uncorrectable ECC error encountered"),
    SIMCUDA_ERROR(cudaErrorInvalidResourceHandle, "invalid resource handle"),
    SIMCUDA_ERROR(cudaErrorIllegalState, "the operation cannot be performed in the present state"),
    SIMCUDA_ERROR(cudaErrorNotReady, "device not ready"),
    SIMCUDA_ERROR(cudaErrorIllegalAddress, "an illegal memory access was encountered"),
    SIMCUDA_ERROR(cudaErrorLaunchOutOfResources, "too many resources requested for launch"),
    SIMCUDA_ERROR(cudaErrorLaunchTimeout, "the launch timed out and was terminated"),
    SIMCUDA_ERROR(cudaErrorAssert, "device-side assert triggered"),
    SIMCUDA_ERROR(cudaErrorHostMemoryAlreadyRegistered,
                  "part or all of the requested memory range is already mapped"),
    SIMCUDA_ERROR(cudaErrorHostMemoryNotRegistered,
                  "pointer does not correspond to a registered memory region"),
    SIMCUDA_ERROR(cudaErrorHardwareStackError, "hardware stack error"),
    SIMCUDA_ERROR(cudaErrorIllegalInstruction, "an illegal instruction was encountered"),
    SIMCUDA_ERROR(cudaErrorMisalignedAddress, "misaligned address"),
    SIMCUDA_ERROR(cudaErrorInvalidAddressSpace,
                  "operation not supported on global/shared address space"),
    SIMCUDA_ERROR(cudaErrorInvalidPc, "invalid program counter"),
    SIMCUDA_ERROR(cudaErrorLaunchFailure, "unspecified launch failure"),
    SIMCUDA_ERROR(cudaErrorNotPermitted, "operation not permitted"),
    SIMCUDA_ERROR(cudaErrorNotSupported, "operation not supported"),
    SIMCUDA_ERROR(cudaErrorStreamCaptureUnsupported,
                  "operation not permitted when stream is capturing"),
    SIMCUDA_ERROR(cudaErrorStreamCaptureInvalidated,
                  "operation failed due to a previous error during capture"),
    SIMCUDA_ERROR(cudaErrorStreamCaptureMerge,
                  "operation would result in a merge of separate capture sequences"),
    SIMCUDA_ERROR(cudaErrorStreamCaptureUnmatched, "capture was not ended in the same stream"),
    SIMCUDA_ERROR(cudaErrorStreamCaptureUnjoined, "capturing stream has unjoined work"),
    SIMCUDA_ERROR(cudaErrorStreamCaptureIsolation,
                  "dependency created on uncaptured work in another stream"),
    SIMCUDA_ERROR(cudaErrorStreamCaptureImplicit,
                  "operation would make the legacy stream depend on a capturing blocking stream"),
    SIMCUDA_ERROR(cudaErrorCapturedEvent,
                  "operation not permitted on an event last recorded in a capturing stream"),
    SIMCUDA_ERROR(cudaErrorStreamCaptureWrongThread,
                  "attempt to terminate a thread-local capture sequence from another thread"),
    SIMCUDA_ERROR(cudaErrorTimeout, "wait operation timed out"),
    SIMCUDA_ERROR(cudaErrorUnknown, "unknown error"),
};

#undef SIMCUDA_ERROR

const Description* describe(cudaError_t error) {
  for (const Description& description : descriptions)
    if (description.error == error) return &description;
  return nullptr;
}

}  // namespace

const char* cudaGetErrorName(cudaError_t error) {
  const Description* description = describe(error);
  return description != nullptr ? description->name : "unrecognized error code";
}

const char* cudaGetErrorString(cudaError_t error) {
  const Description* description = describe(error);
  return description != nullptr ? description->text : "unrecognized error code";
}
