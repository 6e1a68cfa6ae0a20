// Whether the lines of an algorithm cache can be used on this machine.
#pragma once

#include <string>
#include <vector>

#include "engine/tune/algorithm_cache.h"
#include "tools/profile/report_format.h"

namespace engine::tools {

enum class CacheLineState {
  usable,
  stale,         ///< candidates have changed since: the problem is tuned anew when it comes up
  other_device,  ///< recorded on other hardware, libraries or number of threads
  other_engine,  ///< recorded by another version of the engine
  corrupt,       ///< cannot be read: skipped
};
const char* state_name(CacheLineState state);

struct CheckedLine {
  std::size_t number;
  CacheLineState state;
  std::string problem, device;  ///< empty for a corrupt line
  std::string why;              ///< empty for a usable line
};

/// Against every device of this machine, the CPU with `threads` threads (0: one a core).
std::vector<CheckedLine> check_cache(const std::vector<CacheLine>& lines, int threads);

/// Prints one row a line (tables leave usable ones out) and a summary; returns the exit status: 1
/// when a line is corrupt.
int print_check(const std::vector<CheckedLine>& lines, const std::string& path, Format format);

}  // namespace engine::tools
