// What a CUDA kernel source sees when the host compiler builds it: CUDA's built-in variables,
// barriers, warp operations, atomics and intrinsics, answered by the simulated device.
//
// Types and host entry points come from the toolkit's own headers, so the simulation cannot drift
// from them; the entry points themselves are defined by the simulator at link time.
#pragma once

#include <cuda_runtime_api.h>
#include <vector_functions.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>
#include <source_location>
#include <type_traits>
#include <utility>

#define __launch_bounds__(...)

// A plain `__shared__` would silently become a private variable here: refuse it at compile time.
#undef __shared__
#define __shared__ write_ENGINE_SHARED_instead_of_shared

#pragma GCC visibility push(hidden)

namespace simcuda {

struct Thread {
  uint3 index;
  unsigned linear;  // position in the block; lane = linear % 32
};

struct Geometry {
  const void* function;
  dim3 grid;
  dim3 block;
  std::size_t dynamic_shared_bytes;
};

extern Thread* current_thread;  // the CUDA thread whose fiber runs now
extern uint3 block_index;
extern dim3 block_dimensions;
extern dim3 grid_dimensions;

enum class WarpOperation : std::uint8_t { shuffle, ballot, synchronize };

// Waits for every live thread of the block; answers how many passed a true predicate.
struct BarrierResult {
  unsigned votes;
  unsigned threads;
};
BarrierResult block_barrier(bool predicate, std::source_location site);

// Waits for the lanes of `mask`. A shuffle answers the value of lane `source` (all bits set where
// that lane takes no part), a ballot the mask of lanes whose value is not zero.
std::uint64_t warp_operation(WarpOperation operation, unsigned mask, std::uint64_t value,
                             unsigned source, std::source_location site);

void* shared_variable(const void* identity, std::size_t bytes, std::size_t alignment);
void* dynamic_shared_memory();
void fence();
[[noreturn]] void trap(std::source_location site);

// A kernel with its arguments. The race detector must know where the arguments lie: reading them
// is no access of the kernel's.
struct Closure {
  std::shared_ptr<const void> arguments;
  std::size_t bytes;
  void (*call)(const void* arguments);
};

cudaError_t launch(const Geometry& geometry, cudaStream_t stream, Closure thread);

template <class Thread>
cudaError_t launch(const Geometry& geometry, cudaStream_t stream, Thread thread) {
  const auto call = [](const void* stored) { (*static_cast<const Thread*>(stored))(); };
  return launch(geometry, stream,
                Closure{std::make_shared<const Thread>(std::move(thread)), sizeof(Thread), call});
}

using Site = std::source_location;

template <class T>
T shuffle(unsigned mask, T value, unsigned source, Site site) {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= 8);
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof value);
  bits = warp_operation(WarpOperation::shuffle, mask, bits, source, site);
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

inline unsigned lane() {
  return current_thread->linear % 32;
}

inline unsigned first_lane(int width) {
  return lane() & ~(static_cast<unsigned>(width) - 1);
}

// Read-modify-write of any 4- or 8-byte type, seen by the race detector as one atomic access.
template <class T, class Update>
T atomic_update(T* address, Update update) {
  using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  static_assert(sizeof(T) == sizeof(Bits));
  auto* word = reinterpret_cast<Bits*>(address);
  Bits before = __atomic_load_n(word, __ATOMIC_RELAXED);
  for (;;) {
    T old_value;
    std::memcpy(&old_value, &before, sizeof before);
    const T new_value = update(old_value);
    Bits after;
    std::memcpy(&after, &new_value, sizeof after);
    if (__atomic_compare_exchange_n(word, &before, after, false, __ATOMIC_RELAXED,
                                    __ATOMIC_RELAXED))
      return old_value;
  }
}

template <class To, class From>
To bit_copy(From from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  std::memcpy(&to, &from, sizeof to);
  return to;
}

}  // namespace simcuda

#define threadIdx (static_cast<const uint3&>(::simcuda::current_thread->index))
#define blockIdx (static_cast<const uint3&>(::simcuda::block_index))
#define blockDim (static_cast<const dim3&>(::simcuda::block_dimensions))
#define gridDim (static_cast<const dim3&>(::simcuda::grid_dimensions))
constexpr int warpSize = 32;

#include <simcuda/kernel_intrinsics.h>

#pragma GCC visibility pop
