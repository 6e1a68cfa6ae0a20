// The seed of every random choice the simulated device makes: thread order, block order, and the
// order of independent work on different streams. Seed 0 means program order, no randomness.
#pragma once

#include <cstdint>

namespace simcuda {

class Random {
 public:
  void seed(std::uint64_t value) { state_ = value * 0x9E3779B97F4A7C15u + 1; }

  // splitmix64 reduced to 32 bits: a few cycles, which matters at one draw a fiber switch.
  std::uint32_t next() {
    state_ += 0x9E3779B97F4A7C15u;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    return static_cast<std::uint32_t>(z >> 32);
  }
  std::uint32_t below(std::uint32_t bound) {
    return static_cast<std::uint32_t>((std::uint64_t{next()} * bound) >> 32);
  }

 private:
  std::uint64_t state_ = 0;
};

struct Schedule {
  bool shuffled = true;
  Random random;
  void seed(std::uint64_t value);
};

// Seeded from SIMCUDA_SEED (1 where unset) on first use.
Schedule& schedule();

// Visits 0..count-1 once each, from a random start in random equal strides; in order if not
// shuffled. Cheap enough to draw anew for every block.
class Permutation {
 public:
  Permutation(std::uint64_t count, Schedule& schedule);
  std::uint64_t take() {
    const std::uint64_t taken = next_;
    next_ += stride_;
    next_ -= next_ >= count_ ? count_ : 0;  // not an `if`: it could not be predicted
    return taken;
  }

 private:
  std::uint64_t count_;
  std::uint64_t next_ = 0;
  std::uint64_t stride_ = 1;
};

}  // namespace simcuda
