// What the operating system says this process holds in memory: the check on every prediction.
#pragma once

#include <cstddef>

namespace engine {

/// Bytes, from /proc/self/status; zeros where that does not exist.
struct ProcessMemory {
  std::size_t resident = 0;  ///< VmRSS: now
  std::size_t resident_peak =
      0;  ///< VmHWM: since the process started, or since reset_resident_peak()

  static ProcessMemory now();
};

/// Starts resident_peak anew from what is resident now; false where the system does not allow it.
bool reset_resident_peak();

}  // namespace engine
