// ENGINE_HOST_DEVICE marks functions that host and CUDA code share, so that both draw the same
// random integers and apply the same formulas.
#pragma once

#ifdef __CUDACC__
#define ENGINE_HOST_DEVICE __host__ __device__ __forceinline__
#else
#define ENGINE_HOST_DEVICE inline __attribute__((always_inline))
#endif
