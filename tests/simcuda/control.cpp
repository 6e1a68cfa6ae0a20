// The control functions of simcuda/control.h.
#include <simcuda/control.h>

#include "cublaslt.h"
#ifdef SIMCUDA_CUDNN
#include "cudnn_objects.h"
#endif
#include "devices.h"
#include "environment.h"
#include "faults.h"
#include "memory.h"
#include "observer.h"
#include "random.h"
#include "stream.h"

using namespace simcuda;

void simcuda_reset(void) {
  const std::lock_guard lock(entry_mutex());
  work_queue().run_all();
  faults().reset();
  schedule().seed(environment_seed());
  device_memory().set_quota(environment_memory());
  device_memory().reset_peak();
  set_device_count(environment_devices());
  simcuda_forget_races();
  simcuda_forget_accesses();
}

void simcuda_seed(uint64_t seed) {
  const std::lock_guard lock(entry_mutex());
  schedule().seed(seed);
}

void simcuda_set_memory(size_t bytes) {
  const std::lock_guard lock(entry_mutex());
  device_memory().set_quota(bytes);
}

void simcuda_set_devices(int count) {
  const std::lock_guard lock(entry_mutex());
  set_device_count(count);
}

void simcuda_fail_call(uint64_t n, int error) {
  const std::lock_guard lock(entry_mutex());
  faults().arm(n, error);
}

uint64_t simcuda_call_count(void) {
  const std::lock_guard lock(entry_mutex());
  return faults().calls();
}

void simcuda_live(SimcudaLive* out) {
  const std::lock_guard lock(entry_mutex());
  *out = {};
  out->device_allocations = device_memory().live();
  out->device_bytes = device_memory().total_used();
  out->host_allocations = pinned_memory().live();
  out->streams = streams().size();
  out->events = events().size();
  out->graphs = graphs().size();
  out->executable_graphs = executable_graphs().size();
  out->cublaslt_handles = cublaslt_handles();
  out->cublaslt_descriptors = cublaslt_descriptors();
#ifdef SIMCUDA_CUDNN
  out->cudnn_handles = cudnn_handles();
  out->cudnn_descriptors =
      cudnn_legacy_descriptors() + cudnn_backend_descriptors() + cudnn_rnn_descriptors();
#endif
}

size_t simcuda_peak_bytes(void) {
  const std::lock_guard lock(entry_mutex());
  return device_memory().peak();
}

int simcuda_is_race_build(void) {
  return observer != nullptr ? 1 : 0;
}

uint64_t simcuda_race_count(void) {
  const std::lock_guard lock(entry_mutex());
  return observer != nullptr ? observer->race_count() : 0;
}

uint64_t simcuda_host_access_count(void) {
  const std::lock_guard lock(entry_mutex());
  return observer != nullptr ? observer->host_access_count() : 0;
}

void simcuda_forget_races(void) {
  const std::lock_guard lock(entry_mutex());
  if (observer != nullptr) observer->forget_races();
}

size_t simcuda_kernel_accesses(SimcudaKernelAccesses* out, size_t capacity) {
  const std::lock_guard lock(entry_mutex());
  return observer != nullptr ? observer->kernel_accesses(out, capacity) : 0;
}

size_t simcuda_site_accesses(SimcudaSiteAccesses* out, size_t capacity) {
  const std::lock_guard lock(entry_mutex());
  return observer != nullptr ? observer->site_accesses(out, capacity) : 0;
}

void simcuda_forget_accesses(void) {
  const std::lock_guard lock(entry_mutex());
  if (observer != nullptr) observer->forget_accesses();
}
