// The one header a kernel source includes, so that the same .cu file compiles twice: by nvcc for a
// real device, and by the host compiler against the simulated device of tests/simcuda.
//
// Rules for sources that must compile both ways: launch only through `engine::cuda::launch` (no
// <<<>>>), declare shared memory only through the two macros, no inline PTX, no cooperative grid.
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

#ifdef __CUDACC__

#include <cuda_runtime.h>

// ENGINE_SHARED(float, tile, [16][17]): block-wide array; ENGINE_SHARED(int, flag): block-wide
// scalar.
#define ENGINE_SHARED(T, name, ...) __shared__ T name __VA_ARGS__

// T* name: the dynamic shared memory asked for at launch, 16-byte aligned.
#define ENGINE_DYNAMIC_SHARED(T, name)                                         \
  extern __shared__ __align__(16) unsigned char engine_dynamic_shared_bytes[]; \
  T* name = reinterpret_cast<T*>(engine_dynamic_shared_bytes)

#else

#include <simcuda/kernel.h>

#define ENGINE_SHARED(T, name, ...)                                       \
  static const char name##_identity = 0;                                  \
  auto& name = *static_cast<T(*) __VA_ARGS__>(::simcuda::shared_variable( \
      &name##_identity, sizeof(std::remove_pointer_t<T(*) __VA_ARGS__>), alignof(T)))

#define ENGINE_DYNAMIC_SHARED(T, name) T* name = static_cast<T*>(::simcuda::dynamic_shared_memory())

#endif

namespace engine::cuda {

// Puts a kernel on a stream. More than 48 KiB of shared memory wants allow_shared_memory first.
// Answers what cudaLaunchKernelEx answers: bad geometry now, faults of the kernel itself later.
template <class... Parameters, class... Arguments>
cudaError_t launch(void (*kernel)(Parameters...), dim3 grid, dim3 block, std::size_t shared_bytes,
                   cudaStream_t stream, Arguments&&... arguments) {
  static_assert(sizeof...(Parameters) == sizeof...(Arguments));
#ifdef __CUDACC__
  cudaLaunchConfig_t configuration{};
  configuration.gridDim = grid;
  configuration.blockDim = block;
  configuration.dynamicSmemBytes = shared_bytes;
  configuration.stream = stream;
  return cudaLaunchKernelEx(&configuration, kernel,
                            static_cast<Parameters>(std::forward<Arguments>(arguments))...);
#else
  return simcuda::launch({reinterpret_cast<const void*>(kernel), grid, block, shared_bytes}, stream,
                         [kernel, ... values = static_cast<Parameters>(
                                      std::forward<Arguments>(arguments))] { kernel(values...); });
#endif
}

// Raises the kernel's limit of dynamic shared memory to `bytes`.
template <class... Parameters>
cudaError_t allow_shared_memory(void (*kernel)(Parameters...), std::size_t bytes) {
  return cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel),
                              cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(bytes));
}

}  // namespace engine::cuda
