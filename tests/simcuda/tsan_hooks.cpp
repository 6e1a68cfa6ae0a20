// The functions that code compiled with -fsanitize=thread calls around every access to memory.
// Linked instead of libtsan. Launch code in the same sources is instrumented too: what does not run
// on a CUDA thread's stack is none of our business.
#include <cstddef>
#include <cstdint>

#include "fiber.h"
#include "race_observer.h"

namespace {

using simcuda::AccessKind;

[[gnu::always_inline]] inline void hook(const volatile void* address, std::size_t bytes,
                                        AccessKind kind, bool unraced, const void* instruction) {
  if (!simcuda::on_fiber_stack(__builtin_frame_address(0))) return;
  simcuda::race_observer().access(const_cast<const void*>(address), bytes, kind, unraced,
                                  instruction);
}

}  // namespace

#define SIMCUDA_HOOK(name, bytes, kind, unraced)                                  \
  void name(void* address) {                                                      \
    hook(address, bytes, AccessKind::kind, unraced, __builtin_return_address(0)); \
  }
#define SIMCUDA_HOOKS(bytes)                                             \
  SIMCUDA_HOOK(__tsan_read##bytes, bytes, load, false)                   \
  SIMCUDA_HOOK(__tsan_write##bytes, bytes, store, false)                 \
  SIMCUDA_HOOK(__tsan_volatile_read##bytes, bytes, load, true)           \
  SIMCUDA_HOOK(__tsan_volatile_write##bytes, bytes, store, true)         \
  SIMCUDA_HOOK(__tsan_unaligned_read##bytes, bytes, load, false)         \
  SIMCUDA_HOOK(__tsan_unaligned_write##bytes, bytes, store, false)       \
  SIMCUDA_HOOK(__tsan_unaligned_volatile_read##bytes, bytes, load, true) \
  SIMCUDA_HOOK(__tsan_unaligned_volatile_write##bytes, bytes, store, true)

// GCC may order memory differently per type; a simulation on one thread needs no order at all.
#define SIMCUDA_ATOMIC_UPDATE(bits, T, name, expression)                             \
  T __tsan_atomic##bits##_##name(volatile T* address, T value, int) {                \
    hook(address, sizeof(T), AccessKind::atomic, true, __builtin_return_address(0)); \
    return __atomic_##name##expression(address, value, __ATOMIC_SEQ_CST);            \
  }
#define SIMCUDA_ATOMIC_EXCHANGE(bits, T, name)                                            \
  int __tsan_atomic##bits##_##name(volatile T* address, T* expected, T value, int, int) { \
    hook(address, sizeof(T), AccessKind::atomic, true, __builtin_return_address(0));      \
    return __atomic_compare_exchange_n(address, expected, value, false, __ATOMIC_SEQ_CST, \
                                       __ATOMIC_SEQ_CST);                                 \
  }
#define SIMCUDA_ATOMICS(bits, T)                                                          \
  T __tsan_atomic##bits##_load(const volatile T* address, int) {                          \
    hook(address, sizeof(T), AccessKind::atomic_load, true, __builtin_return_address(0)); \
    return __atomic_load_n(address, __ATOMIC_SEQ_CST);                                    \
  }                                                                                       \
  void __tsan_atomic##bits##_store(volatile T* address, T value, int) {                   \
    hook(address, sizeof(T), AccessKind::atomic, true, __builtin_return_address(0));      \
    __atomic_store_n(address, value, __ATOMIC_SEQ_CST);                                   \
  }                                                                                       \
  SIMCUDA_ATOMIC_UPDATE(bits, T, exchange, _n)                                            \
  SIMCUDA_ATOMIC_UPDATE(bits, T, fetch_add, )                                             \
  SIMCUDA_ATOMIC_UPDATE(bits, T, fetch_sub, )                                             \
  SIMCUDA_ATOMIC_UPDATE(bits, T, fetch_and, )                                             \
  SIMCUDA_ATOMIC_UPDATE(bits, T, fetch_or, )                                              \
  SIMCUDA_ATOMIC_UPDATE(bits, T, fetch_xor, )                                             \
  SIMCUDA_ATOMIC_EXCHANGE(bits, T, compare_exchange_strong)                               \
  SIMCUDA_ATOMIC_EXCHANGE(bits, T, compare_exchange_weak)

extern "C" {

void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_vptr_update(void**, void*) {}
void __tsan_vptr_read(void**) {}
void __tsan_atomic_thread_fence(int) {}
void __tsan_atomic_signal_fence(int) {}

void __tsan_read_range(void* address, std::size_t bytes) {
  hook(address, bytes, AccessKind::load, false, __builtin_return_address(0));
}
void __tsan_write_range(void* address, std::size_t bytes) {
  hook(address, bytes, AccessKind::store, false, __builtin_return_address(0));
}

SIMCUDA_HOOKS(1)
SIMCUDA_HOOKS(2)
SIMCUDA_HOOKS(4)
SIMCUDA_HOOKS(8)
SIMCUDA_HOOKS(16)

SIMCUDA_ATOMICS(8, std::uint8_t)
SIMCUDA_ATOMICS(16, std::uint16_t)
SIMCUDA_ATOMICS(32, std::uint32_t)
SIMCUDA_ATOMICS(64, std::uint64_t)

}  // extern "C"
