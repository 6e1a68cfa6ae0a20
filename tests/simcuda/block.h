// Runs the blocks of a launch one after another, and the threads of a block as fibers in random
// order. A thread runs until it waits (or ends), then the next one is drawn among those that can
// go on and those not started; a fiber whose thread ended takes the next unstarted thread, so that
// kernels without barriers never switch at all.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "fiber.h"
#include "random.h"
#include "shared_memory.h"
#include "warp.h"

namespace simcuda {

// Fibers that can go on, at most one entry each: a ring, taken from any position.
class ReadyRing {
 public:
  unsigned size() const { return tail_ - head_; }
  void push(Fiber* fiber) { slots_[tail_++ % max_fibers] = fiber; }
  Fiber* take(unsigned position) {
    Fiber*& chosen = slots_[(head_ + position) % max_fibers];
    Fiber* fiber = chosen;
    chosen = slots_[head_++ % max_fibers];
    return fiber;
  }

 private:
  std::array<Fiber*, max_fibers> slots_{};
  unsigned head_ = 0;
  unsigned tail_ = 0;
};

class BlockScheduler {
 public:
  void run(const Geometry& geometry, const Closure& thread);

  BarrierResult barrier(bool predicate, const std::source_location& site);
  std::uint64_t warp_operation(WarpOperation operation, unsigned mask, std::uint64_t value,
                               unsigned source, const std::source_location& site);
  SharedMemory& shared() { return shared_; }
  const Geometry& geometry() const { return geometry_; }

 private:
  Geometry geometry_{};
  const Closure* body_ = nullptr;
  SharedMemory shared_;
  std::vector<uint3> indices_;  // thread index by linear position
  dim3 indices_of_{0, 0, 0};    // the block shape they were made for
  std::vector<Warp> warps_;

  unsigned threads_ = 0;
  unsigned started_ = 0;
  unsigned live_ = 0;
  Schedule& schedule_ = schedule();
  Permutation order_{1, schedule_};

  unsigned prepared_ = 0;
  std::vector<Fiber*> idle_;
  ReadyRing ready_;
  Fiber host_;  // the stack of whoever called run
  Fiber* running_ = nullptr;

  std::array<Fiber*, max_fibers> at_barrier_{};
  unsigned arrived_ = 0;
  unsigned votes_ = 0;
  std::source_location barrier_site_;
  BarrierResult barrier_result_{};

  void prepare_indices(const dim3& block);
  void run_block(std::uint64_t block);
  static void fiber_main();
  void run_threads();
  void start_thread();
  void end_thread();
  void release_barrier();
  void make_ready(Fiber* fiber);
  void wait(Waiting reason, const std::source_location& site);
  void switch_to(Fiber& fiber);
  Fiber* next();
  Fiber* idle_fiber();
  [[noreturn]] void deadlock();
};

BlockScheduler& block_scheduler();

// Ends the process with "simcuda: <what>: kernel …, block …, thread …, at file:line".
[[noreturn]] void fail_in_kernel(const char* what, const std::source_location& site);

// "kernel …, block (x,y,z), thread (x,y,z)": where the current thread is.
void print_position();

}  // namespace simcuda
