#include "block.h"

#include <cstdio>
#include <cstdlib>

#include "observer.h"
#include "symbols.h"

namespace simcuda {

Thread* current_thread = nullptr;
uint3 block_index{};
dim3 block_dimensions;
dim3 grid_dimensions;
Observer* observer = nullptr;

namespace {

// Static, so that the race detector takes what kernels read there (threadIdx) for the program's
// own.
std::array<Fiber, max_fibers> fibers;

BlockScheduler* const scheduler = new BlockScheduler;  // outlives every static destructor

}  // namespace

// The scheduler itself is reached through the pointer where speed counts.
BlockScheduler& block_scheduler() {
  return *scheduler;
}

void BlockScheduler::prepare_indices(const dim3& block) {
  if (block.x == indices_of_.x && block.y == indices_of_.y && block.z == indices_of_.z) return;
  indices_.clear();
  for (unsigned z = 0; z < block.z; ++z)
    for (unsigned y = 0; y < block.y; ++y)
      for (unsigned x = 0; x < block.x; ++x) indices_.push_back({x, y, z});
  indices_of_ = block;
}

void BlockScheduler::run(const Geometry& geometry, const Closure& thread) {
  geometry_ = geometry;
  body_ = &thread;
  block_dimensions = geometry.block;
  grid_dimensions = geometry.grid;
  prepare_indices(geometry.block);
  threads_ = geometry.block.x * geometry.block.y * geometry.block.z;
  warps_.resize((threads_ + 31) / 32);
  shared_.begin_launch(geometry.dynamic_shared_bytes);
  if (observer != nullptr) observer->launch_begins(geometry, thread);
  const std::uint64_t blocks = std::uint64_t{geometry.grid.x} * geometry.grid.y * geometry.grid.z;
  Permutation block_order(blocks, schedule_);
  for (std::uint64_t i = 0; i < blocks; ++i) run_block(block_order.take());
  shared_.end_launch();
}

void BlockScheduler::run_block(std::uint64_t block) {
  const dim3& grid = geometry_.grid;
  block_index = {static_cast<unsigned>(block % grid.x),
                 static_cast<unsigned>(block / grid.x % grid.y),
                 static_cast<unsigned>(block / grid.x / grid.y)};
  order_ = Permutation(threads_, schedule_);
  started_ = arrived_ = votes_ = 0;
  live_ = threads_;
  for (unsigned warp = 0; warp < warps_.size(); ++warp)
    warps_[warp].begin_block(threads_ - warp * 32);
  shared_.begin_block();
  if (observer != nullptr) observer->block_begins(block);
  running_ = &host_;
  switch_to(*idle_fiber());
  current_thread = nullptr;
  if (observer != nullptr) observer->block_ends();
}

[[gnu::always_inline]] inline void BlockScheduler::switch_to(Fiber& fiber) {
  Fiber& self = *running_;
  running_ = &fiber;
  current_thread = &fiber.thread;
  switch_fiber(self, fiber);
}

[[gnu::always_inline]] inline Fiber* BlockScheduler::next() {
  const bool unstarted = started_ < threads_;
  const unsigned ready = ready_.size();
  if (ready == 0 && !unstarted) deadlock();
  if (schedule_.shuffled) {
    const unsigned choice = schedule_.random.below(ready + (unstarted ? 1 : 0));
    return choice < ready ? ready_.take(choice) : idle_fiber();
  }
  return unstarted ? idle_fiber() : ready_.take(0);
}

inline void BlockScheduler::make_ready(Fiber* fiber) {
  fiber->waiting = Waiting::nothing;
  ready_.push(fiber);
}

[[gnu::always_inline]] inline void BlockScheduler::wait(Waiting reason,
                                                        const std::source_location& site) {
  Fiber* self = running_;
  self->waiting = reason;
  self->site = site;
  Fiber* successor = next();
  if (successor != self) switch_to(*successor);
}

void BlockScheduler::fiber_main() {
  enter_fiber();
  block_scheduler().run_threads();
}

void BlockScheduler::run_threads() {
  for (;;) {
    start_thread();
    body_->call(body_->arguments.get());
    end_thread();
    if (ready_.size() == 0 && started_ < threads_) continue;
    Fiber* self = running_;
    idle_.push_back(self);
    Fiber* successor = live_ == 0 ? &host_ : next();
    if (successor != self) switch_to(*successor);
  }
}

void BlockScheduler::start_thread() {
  const auto linear = static_cast<unsigned>(order_.take());
  ++started_;
  running_->thread = {indices_[linear], linear};
}

void BlockScheduler::end_thread() {
  --live_;
  if (arrived_ != 0 && arrived_ == live_) release_barrier();
}

Fiber* BlockScheduler::idle_fiber() {
  if (idle_.empty()) {
    prepare_fiber(fibers[prepared_], prepared_, fiber_main);
    idle_.push_back(&fibers[prepared_++]);
  }
  Fiber* fiber = idle_.back();
  idle_.pop_back();
  return fiber;
}

[[gnu::always_inline]] inline BarrierResult BlockScheduler::barrier(
    bool predicate, const std::source_location& site) {
  if (arrived_ == 0)
    barrier_site_ = site;
  else if (!same_site(barrier_site_, site)) {
    std::fprintf(stderr, "simcuda: other threads wait at the barrier at %s:%u\n",
                 barrier_site_.file_name(), barrier_site_.line());
    fail_in_kernel("divergent barrier", site);
  }
  votes_ += predicate ? 1 : 0;
  Fiber* self = running_;
  self->waiting = Waiting::barrier;
  self->site = site;
  at_barrier_[arrived_++] = self;
  if (arrived_ == live_) release_barrier();
  Fiber* successor = next();
  if (successor != self) switch_to(*successor);
  return barrier_result_;
}

void BlockScheduler::release_barrier() {
  // Stays valid until all have read it: the next release needs every live thread to arrive again.
  barrier_result_ = {votes_, arrived_};
  for (unsigned i = 0; i < arrived_; ++i) make_ready(at_barrier_[i]);
  arrived_ = votes_ = 0;
  if (observer != nullptr) observer->block_synchronized();
}

[[gnu::always_inline]] inline std::uint64_t BlockScheduler::warp_operation(
    WarpOperation operation, unsigned mask, std::uint64_t value, unsigned source,
    const std::source_location& site) {
  Fiber* self = running_;
  const unsigned warp_number = self->thread.linear / 32;
  Warp& warp = warps_[warp_number];
  switch (warp.arrive(*self, operation, mask, value, source, site)) {
    case Warp::Outcome::not_in_mask:
      fail_in_kernel("lane calls a warp operation without being in its mask", site);
    case Warp::Outcome::different_operation:
      fail_in_kernel("lanes of one mask are in different warp operations", site);
    case Warp::Outcome::waits:
      wait(Waiting::warp, site);
      break;
    case Warp::Outcome::complete:
      if (observer != nullptr && operation == WarpOperation::synchronize)
        observer->warp_synchronized(warp_number, mask);
      for (unsigned lane = 0; lane < 32; ++lane)
        if ((mask >> lane & 1) != 0 && warp.fiber(lane) != self) make_ready(warp.fiber(lane));
  }
  return self->result;
}

void BlockScheduler::deadlock() {
  unsigned listed = 0;
  for (const Fiber& fiber : fibers) {
    if (fiber.waiting == Waiting::nothing || listed == 4) continue;
    ++listed;
    std::fprintf(stderr, "simcuda: thread (%u,%u,%u) waits in a %s at %s:%u\n",
                 fiber.thread.index.x, fiber.thread.index.y, fiber.thread.index.z,
                 fiber.waiting == Waiting::barrier ? "barrier" : "warp operation",
                 fiber.site.file_name(), fiber.site.line());
  }
  fail_in_kernel("deadlock (threads wait for others that ended or wait elsewhere)",
                 running_->waiting == Waiting::nothing ? fibers[0].site : running_->site);
}

void print_position() {
  const Geometry& geometry = block_scheduler().geometry();
  std::fprintf(stderr, "kernel %s, block (%u,%u,%u)", function_name(geometry.function).c_str(),
               block_index.x, block_index.y, block_index.z);
  if (current_thread != nullptr)
    std::fprintf(stderr, ", thread (%u,%u,%u)", current_thread->index.x, current_thread->index.y,
                 current_thread->index.z);
}

void fail_in_kernel(const char* what, const std::source_location& site) {
  std::fprintf(stderr, "simcuda: %s: ", what);
  print_position();
  std::fprintf(stderr, ", at %s:%u\n", site.file_name(), site.line());
  std::abort();
}

// -- what kernel.h calls -------------------------------------------------------------------------

BarrierResult block_barrier(bool predicate, std::source_location site) {
  return scheduler->barrier(predicate, site);
}

std::uint64_t warp_operation(WarpOperation operation, unsigned mask, std::uint64_t value,
                             unsigned source, std::source_location site) {
  return scheduler->warp_operation(operation, mask, value, source, site);
}

void* shared_variable(const void* identity, std::size_t bytes, std::size_t alignment) {
  void* address = scheduler->shared().variable(identity, bytes, alignment);
  if (address == nullptr)
    fail_in_kernel("more shared memory than a block can have", std::source_location::current());
  return address;
}

void* dynamic_shared_memory() {
  return scheduler->shared().dynamic();
}

void fence() {
  if (observer != nullptr) observer->fenced();
}

void trap(std::source_location site) {
  fail_in_kernel("__trap()", site);
}

}  // namespace simcuda
