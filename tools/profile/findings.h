// What there is on this machine, and what cannot be used for which reason.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "engine/device/backend.h"
#include "engine/device/cpu/cpu_device.h"

namespace engine::tools {

struct FoundDevice {
  std::string name, fingerprint;
  std::size_t available = 0;  ///< bytes of memory
  std::string why_not;        ///< empty when it can be used
};

struct FoundCache {
  std::string path;  ///< empty without a home folder
  bool exists = false;
  bool writable = false;  ///< it, or the folder it would be in
  std::string why_not;    ///< empty when it can be read, or is not there yet
  std::size_t bytes = 0;
  std::size_t records = 0, usable = 0, corrupt = 0;  ///< usable: recorded on one of the devices
};

struct Findings {
  std::string version;  ///< of the engine
  int plugin_abi = 0;
  cpu::CpuFacts cpu;
  int threads = 0;                   ///< that the CPU device uses
  std::vector<FoundDevice> devices;  ///< the CPU first
  BackendStatus cuda;
  std::string automatic;  ///< the device that "auto" takes
  FoundCache cache;
};

/// `threads` 0: one a core; without `cache` the one of this user. Throws UsageError for a negative
/// number of threads.
Findings examine(int threads, const std::optional<std::string>& cache);

}  // namespace engine::tools
