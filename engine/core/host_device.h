// ENGINE_HOST_DEVICE marks functions that host and CUDA code share, so that both draw the same
// random integers and apply the same formulas. ENGINE_UNROLL precedes a short loop over an array
// that is to stay in registers.
#pragma once

#ifdef __CUDACC__
#define ENGINE_HOST_DEVICE __host__ __device__ __forceinline__
#else
#define ENGINE_HOST_DEVICE inline __attribute__((always_inline))
#endif

#if defined(__CUDACC__) || defined(__clang__)
#define ENGINE_UNROLL _Pragma("unroll")
#elif defined(__GNUC__)
#define ENGINE_UNROLL _Pragma("GCC unroll 64")
#else
#define ENGINE_UNROLL
#endif
