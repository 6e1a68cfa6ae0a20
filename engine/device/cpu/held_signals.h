// Signals are held back while kernels run that a library generated: oneDNN's f32 products keep
// their spilled numbers at the stack pointer, which for long sums they set into a block of the
// heap. A signal handler that ran then would write its frame over whatever lies below that block.
#pragma once

#include <signal.h>

namespace engine::cpu {

/// While it lives, handlers of asynchronous signals run on no thread that it covers: the calling
/// one, and those started meanwhile, for good. A held signal goes to another thread of the process,
/// or arrives at the end.
class HeldSignals {
 public:
  HeldSignals() noexcept;
  ~HeldSignals();
  HeldSignals(const HeldSignals&) = delete;
  HeldSignals& operator=(const HeldSignals&) = delete;

 private:
  sigset_t before_;
};

}  // namespace engine::cpu
