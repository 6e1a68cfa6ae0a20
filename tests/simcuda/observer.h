// What the race build watches: the simulator tells an observer, if one is linked in, where
// launches, blocks and synchronizations begin and end; the accesses between come from the __tsan_*
// hooks.
#pragma once

#include <simcuda/control.h>
#include <simcuda/kernel.h>

#include <cstdint>

namespace simcuda {

class Observer {
 public:
  virtual void launch_begins(const Geometry& geometry, const Closure& thread) = 0;
  virtual void block_begins(std::uint64_t block) = 0;
  virtual void block_synchronized() = 0;
  virtual void warp_synchronized(unsigned warp, unsigned mask) = 0;
  virtual void fenced() = 0;
  virtual void block_ends() = 0;

  virtual std::uint64_t race_count() const = 0;
  virtual std::uint64_t host_access_count() const = 0;
  virtual void forget_races() = 0;
  virtual std::size_t kernel_accesses(SimcudaKernelAccesses* out, std::size_t capacity) const = 0;
  virtual std::size_t site_accesses(SimcudaSiteAccesses* out, std::size_t capacity) const = 0;
  virtual void forget_accesses() = 0;

 protected:
  ~Observer() = default;
};

// Null in a plain build. Set once, while the race build's library is loaded.
extern Observer* observer;

}  // namespace simcuda
