// Fibers: stacks the host switches between by hand, one for each CUDA thread that waits at a
// barrier. A switch costs a few nanoseconds, where ucontext would make a system call.
#pragma once

#include <simcuda/kernel.h>

#include <cstddef>
#include <cstdint>
#include <source_location>

namespace simcuda {

enum class Waiting : std::uint8_t { nothing, barrier, warp };

// Where a fiber goes on. The switch reads these by offset.
struct Resume {
  const void* instruction = nullptr;
  void* stack_pointer = nullptr;
  void* frame_pointer = nullptr;
};

struct alignas(64) Fiber {
  Resume resume;
  Thread thread{};
  std::uint64_t result = 0;   // answer of the warp operation it waited for
  std::source_location site;  // where it waits
  Waiting waiting = Waiting::nothing;

  const void* stack_bottom = nullptr;  // bounds and fake stack: for AddressSanitizer alone
  std::size_t stack_bytes = 0;
  void* fake_stack = nullptr;
};

// Gives the fiber a stack and an entry point that never returns; `index` is unique, below 1024.
void prepare_fiber(Fiber& fiber, unsigned index, void (*entry)());

// True for addresses on any fiber's stack, which is how code finds out that it runs in a kernel.
bool on_fiber_stack(const void* address);

constexpr unsigned max_fibers = 1024;

// What AddressSanitizer must hear around a switch; nothing without it.
void announce_switch(Fiber& from, const Fiber& to);
void confirm_switch(void* fake_stack);

// Leaves `from`, to come back when somebody switches to it. Inlined into its few callers, as every
// return that crosses a switch costs more than the switch. The compiler saves the registers named
// as lost; the frame pointer cannot be named.
__attribute__((always_inline)) inline void switch_fiber(Fiber& from, Fiber& to) {
#ifdef __SANITIZE_ADDRESS__
  announce_switch(from, to);
#endif
  const Resume* save = &from.resume;
  const Resume* load = &to.resume;
  asm volatile(
      "leaq 1f(%%rip), %%rax\n\t"
      "movq %%rax, 0(%0)\n\t"
      "movq %%rsp, 8(%0)\n\t"
      "movq %%rbp, 16(%0)\n\t"
      "movq 8(%1), %%rsp\n\t"
      "movq 16(%1), %%rbp\n\t"
      "jmpq *0(%1)\n"
      "1:\n\t"
      : "+D"(save), "+S"(load)
      :
      : "rax", "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "xmm0",
        "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11",
        "xmm12", "xmm13", "xmm14", "xmm15", "memory", "cc");
#ifdef __SANITIZE_ADDRESS__
  confirm_switch(from.fake_stack);
#endif
}

// The first thing an entry point calls.
inline void enter_fiber() {
#ifdef __SANITIZE_ADDRESS__
  confirm_switch(nullptr);
#endif
}

}  // namespace simcuda
