// How a test steers and questions the simulated device. Link the simulator and call these, or load
// a library that contains it and resolve them with dlsym (their names are not mangled).
#pragma once

#include <stddef.h>
#include <stdint.h>

#define SIMCUDA_API __attribute__((visibility("default")))

extern "C" {

// -- behaviour -----------------------------------------------------------------------------------

// Seed, memory, devices and faults as the environment asks (SIMCUDA_SEED, SIMCUDA_MEMORY,
// SIMCUDA_DEVICES, SIMCUDA_FAIL), no error pending, statistics and races forgotten. Live
// allocations, streams and graphs stay; work that was enqueued is completed first.
SIMCUDA_API void simcuda_reset(void);

// Order of threads, blocks and independent streams: random by seed, or program order for 0.
SIMCUDA_API void simcuda_seed(uint64_t seed);

// Bytes of memory of each device. Less than what is in use is fine: allocations then fail.
SIMCUDA_API void simcuda_set_memory(size_t bytes);

SIMCUDA_API void simcuda_set_devices(int count);

// The n-th entry point called from now on (the first is 1) answers `error`, a cudaError_t; sticky
// errors stay until simcuda_reset. 0 disarms. A cuBLASLt or cuDNN call answers the status nearest
// to it.
SIMCUDA_API void simcuda_fail_call(uint64_t n, int error);

// Entry points called since the last reset or simcuda_fail_call; error queries do not count.
SIMCUDA_API uint64_t simcuda_call_count(void);

// -- leaks ---------------------------------------------------------------------------------------

typedef struct SimcudaLive {
  size_t device_allocations;
  size_t device_bytes;
  size_t host_allocations;  // pinned
  size_t streams;
  size_t events;
  size_t graphs;
  size_t executable_graphs;
  size_t cublaslt_handles;
  size_t cublaslt_descriptors;  // of all kinds: products, layouts, preferences
  size_t cudnn_handles;
  size_t cudnn_descriptors;  // of both interfaces
} SimcudaLive;

SIMCUDA_API void simcuda_live(SimcudaLive* out);

// Most device bytes in use at once since the last reset.
SIMCUDA_API size_t simcuda_peak_bytes(void);

// -- race build only; a plain build counts nothing -----------------------------------------------

// 1 where the kernels were instrumented.
SIMCUDA_API int simcuda_is_race_build(void);

// Distinct pairs of source lines seen to race, and distinct lines of kernels that touched host
// memory. Each was printed to standard error when first seen. A process that ends with either not
// zero exits with status 66.
SIMCUDA_API uint64_t simcuda_race_count(void);
SIMCUDA_API uint64_t simcuda_host_access_count(void);
SIMCUDA_API void simcuda_forget_races(void);

// A request is one instruction of one warp. Sectors are 32 bytes; `ideal` is the fewest that could
// hold the distinct bytes asked for.
typedef struct SimcudaGlobalAccesses {
  uint64_t requests;
  uint64_t sectors;
  uint64_t ideal_sectors;
} SimcudaGlobalAccesses;

// Wavefronts: passes over the 32 banks that a request needs; `ideal` is one per request for lanes
// of up to 4 bytes, one per half-warp for 8, one per quarter-warp for 16.
typedef struct SimcudaSharedAccesses {
  uint64_t requests;
  uint64_t wavefronts;
  uint64_t ideal_wavefronts;
} SimcudaSharedAccesses;

typedef struct SimcudaAccesses {
  SimcudaGlobalAccesses global_loads;
  SimcudaGlobalAccesses global_stores;
  SimcudaGlobalAccesses global_atomics;
  SimcudaSharedAccesses shared;
} SimcudaAccesses;

typedef struct SimcudaKernelAccesses {
  char kernel[512];  // demangled, with template arguments
  uint64_t launches;
  SimcudaAccesses accesses;
} SimcudaKernelAccesses;

typedef struct SimcudaSiteAccesses {
  char kernel[512];
  char location[512];  // file:line
  SimcudaAccesses accesses;
} SimcudaSiteAccesses;

// Totals since the last forget, for each kernel, or each of its instructions. Fill up to `capacity`
// entries, and answer how many there are.
SIMCUDA_API size_t simcuda_kernel_accesses(SimcudaKernelAccesses* out, size_t capacity);
SIMCUDA_API size_t simcuda_site_accesses(SimcudaSiteAccesses* out, size_t capacity);
SIMCUDA_API void simcuda_forget_accesses(void);

}  // extern "C"
