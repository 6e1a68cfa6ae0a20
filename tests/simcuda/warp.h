// Warp operations: the lanes of a mask meet, and the last to arrive computes every lane's answer.
// Operations of disjoint masks may be open in one warp at a time, as divergent code leaves them.
#pragma once

#include <simcuda/kernel.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <source_location>

#include "fiber.h"

namespace simcuda {

class Warp {
 public:
  enum class Outcome : std::uint8_t { waits, complete, not_in_mask, different_operation };

  void begin_block(unsigned lanes) {
    existing_ = lanes >= 32 ? ~0u : (1u << lanes) - 1;
    open_count_ = 0;
  }

  // Lane `lane` arrives. On `complete`, answers are in the fibers of `mask` (narrowed to the lanes
  // that exist), and all of them can go on.
  Outcome arrive(Fiber& fiber, WarpOperation operation, unsigned& mask, std::uint64_t value,
                 unsigned source, const std::source_location& site);
  Fiber* fiber(unsigned lane) const { return fibers_[lane]; }

 private:
  struct Open {
    unsigned mask;
    unsigned arrived;
    WarpOperation operation;
    std::source_location site;
  };
  unsigned existing_ = 0;
  unsigned open_count_ = 0;
  std::array<Open, 32> open_{};
  std::array<Fiber*, 32> fibers_{};
  std::array<std::uint64_t, 32> values_{};
  std::array<std::uint8_t, 32> sources_{};

  Open& find_or_open(unsigned mask, WarpOperation operation, const std::source_location& site);
  void answer(const Open& operation);
};

// The same place in the source, whichever copy of the code the compiler made of it.
inline bool same_site(const std::source_location& a, const std::source_location& b) {
  return a.line() == b.line() &&
         (a.file_name() == b.file_name() || std::strcmp(a.file_name(), b.file_name()) == 0);
}

}  // namespace simcuda
