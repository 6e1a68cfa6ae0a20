#include "fiber.h"

#include <sys/mman.h>

#include <cstdio>
#include <cstdlib>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif

#ifndef __x86_64__
#error "the fiber switch is written for x86-64"
#endif

namespace simcuda {
namespace {

#ifdef __SANITIZE_ADDRESS__
constexpr std::size_t stack_bytes = 256 * 1024;
#else
constexpr std::size_t stack_bytes = 64 * 1024;
#endif
constexpr std::size_t guard_bytes = 4096;
constexpr std::size_t slot_bytes = stack_bytes + guard_bytes;

char* stack_area() {
  static char* const area = [] {
    void* memory = mmap(nullptr, slot_bytes * max_fibers, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
      std::perror("simcuda: no memory for the stacks of CUDA threads");
      std::abort();
    }
    return static_cast<char*>(memory);
  }();
  return area;
}

char* area_begin = nullptr;  // the same address, readable without the static's guard

#ifdef __SANITIZE_ADDRESS__
Fiber* switched_from = nullptr;
#endif

}  // namespace

void prepare_fiber(Fiber& fiber, unsigned index, void (*entry)()) {
  area_begin = stack_area();
  char* slot = area_begin + index * slot_bytes;
  mprotect(slot, guard_bytes, PROT_NONE);
  fiber.stack_bottom = slot + guard_bytes;
  fiber.stack_bytes = stack_bytes;
  // Equal offsets in page-aligned stacks would all fall into the same cache sets: stagger them.
  const std::size_t colour = index % 61 * 64;
  auto** top = reinterpret_cast<void**>(slot + slot_bytes - 64 - colour);
  *--top = nullptr;  // the return address of an entry point that never returns
  fiber.resume = {reinterpret_cast<const void*>(entry), top, nullptr};
}

#ifdef __SANITIZE_ADDRESS__
void announce_switch(Fiber& from, const Fiber& to) {
  switched_from = &from;
  __sanitizer_start_switch_fiber(&from.fake_stack, to.stack_bottom, to.stack_bytes);
}

void confirm_switch(void* fake_stack) {
  __sanitizer_finish_switch_fiber(fake_stack, &switched_from->stack_bottom,
                                  &switched_from->stack_bytes);
}
#endif

bool on_fiber_stack(const void* address) {
  const auto* byte = static_cast<const char*>(address);
  return area_begin != nullptr && byte >= area_begin && byte < area_begin + slot_bytes * max_fibers;
}

}  // namespace simcuda
