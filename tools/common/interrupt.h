// Ctrl-C and termination requests.
#pragma once

#include <atomic>
#include <exception>

namespace engine::tools {

inline constexpr int kInterruptedStatus = 130;

/// Thrown where work is left that has nothing to save.
class Interrupted : public std::exception {
 public:
  const char* what() const noexcept override { return "interrupted"; }
};

/// From now on SIGINT and SIGTERM end the process at once with status 130.
void exit_on_interrupt();
/// From now on the first of them sets the flag that is returned, and the second ends the process.
std::atomic<bool>& stop_on_interrupt();

}  // namespace engine::tools
