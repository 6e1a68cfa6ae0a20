#include "engine/device/cpu/held_signals.h"

#include <initializer_list>

namespace engine::cpu {
namespace {

// All but those that an instruction of the thread itself raises, which cannot wait.
const sigset_t kAsynchronous = [] {
  sigset_t set;
  sigfillset(&set);
  for (int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS})
    sigdelset(&set, signal);
  return set;
}();

}  // namespace

HeldSignals::HeldSignals() noexcept {
  pthread_sigmask(SIG_BLOCK, &kAsynchronous, &before_);
}

HeldSignals::~HeldSignals() {
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

}  // namespace engine::cpu
