#include "tools/common/interrupt.h"

#include <signal.h>
#include <unistd.h>

namespace engine::tools {
namespace {

std::atomic<bool> stop_requested{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may use it");

extern "C" void exit_at_once(int) {
  _exit(kInterruptedStatus);
}

extern "C" void request_stop(int) {
  if (stop_requested.exchange(true)) _exit(kInterruptedStatus);
}

void handle(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (int signal : {SIGINT, SIGTERM}) sigaction(signal, &action, nullptr);
}

}  // namespace

void exit_on_interrupt() {
  handle(exit_at_once);
}

std::atomic<bool>& stop_on_interrupt() {
  handle(request_stop);
  return stop_requested;
}

}  // namespace engine::tools
