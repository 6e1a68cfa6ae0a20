#include "engine/core/process_memory.h"

#include <fstream>
#include <string>

namespace engine {

ProcessMemory ProcessMemory::now() {
  ProcessMemory memory;
  std::ifstream status("/proc/self/status");
  for (std::string field; status >> field;) {
    std::size_t kilobytes = 0;
    if (field == "VmRSS:" && status >> kilobytes) memory.resident = kilobytes * 1024;
    if (field == "VmHWM:" && status >> kilobytes) memory.resident_peak = kilobytes * 1024;
  }
  return memory;
}

bool reset_resident_peak() {
  // Writing 5 resets the peak: proc(5), clear_refs.
  std::ofstream clear("/proc/self/clear_refs");
  clear << 5 << std::flush;
  return clear.good();
}

}  // namespace engine
