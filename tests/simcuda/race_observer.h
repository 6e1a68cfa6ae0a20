// Sorts every access that an instrumented kernel makes into memory spaces, and passes it to the
// race detector and to the statistics.
#pragma once

#include <cstdint>
#include <set>

#include "access_statistics.h"
#include "observer.h"
#include "race.h"

namespace simcuda {

class RaceObserver final : public Observer {
 public:
  RaceObserver();

  void launch_begins(const Geometry& geometry, const Closure& thread) override;
  void block_begins(std::uint64_t block) override { races_.begin_block(block); }
  void block_synchronized() override { races_.synchronize_block(); }
  void warp_synchronized(unsigned warp, unsigned mask) override {
    races_.synchronize_warp(warp, mask);
  }
  void fenced() override { races_.fence(); }
  void block_ends() override { statistics_.end_block(); }

  std::uint64_t race_count() const override { return races_.count(); }
  std::uint64_t host_access_count() const override { return host_accesses_.size(); }
  void forget_races() override;
  std::size_t kernel_accesses(SimcudaKernelAccesses* out, std::size_t capacity) const override {
    return statistics_.kernels(out, capacity);
  }
  std::size_t site_accesses(SimcudaSiteAccesses* out, std::size_t capacity) const override {
    return statistics_.sites(out, capacity);
  }
  void forget_accesses() override { statistics_.forget(); }

  // Called by the hooks, for code on a CUDA thread's stack.
  void access(const void* address, std::size_t bytes, AccessKind kind, bool unraced,
              const void* instruction);

 private:
  RaceDetector races_;
  AccessStatistics statistics_;
  std::set<const void*> host_accesses_;
  const char* module_begin_ = nullptr;  // the program or library that the simulator is part of
  const char* module_end_ = nullptr;
  const char* arguments_begin_ = nullptr;
  const char* arguments_end_ = nullptr;

  void report_host_access(const void* address, const void* instruction);
};

RaceObserver& race_observer();

}  // namespace simcuda
