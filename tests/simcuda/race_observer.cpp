#include "race_observer.h"

#include <dlfcn.h>
#include <link.h>
#include <unistd.h>

#include <cstdio>

#include "block.h"
#include "memory.h"
#include "symbols.h"

namespace simcuda {
namespace {

constexpr int exit_status_of_races = 66;

// Registers the observer as soon as the library is loaded, and has the last word at its end: races
// that nobody asked about must not go unnoticed.
struct Registration {
  Registration() { observer = &race_observer(); }
  ~Registration() {
    if (race_observer().race_count() == 0 && race_observer().host_access_count() == 0) return;
    std::fprintf(stderr, "simcuda: races or accesses to host memory were found, see above\n");
    std::fflush(nullptr);
    _exit(exit_status_of_races);
  }
};
const Registration registration;

struct ModuleRange {
  std::uintptr_t inside;
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;
};

int find_module(dl_phdr_info* info, std::size_t, void* data) {
  auto& range = *static_cast<ModuleRange*>(data);
  std::uintptr_t begin = ~std::uintptr_t{0};
  std::uintptr_t end = 0;
  for (unsigned i = 0; i < info->dlpi_phnum; ++i) {
    const auto& header = info->dlpi_phdr[i];
    if (header.p_type != PT_LOAD) continue;
    begin = std::min<std::uintptr_t>(begin, info->dlpi_addr + header.p_vaddr);
    end = std::max<std::uintptr_t>(end, info->dlpi_addr + header.p_vaddr + header.p_memsz);
  }
  if (range.inside < begin || range.inside >= end) return 0;
  range.begin = begin;
  range.end = end;
  return 1;
}

bool in_some_module(const void* address) {
  Dl_info info{};
  return dladdr(address, &info) != 0;
}

}  // namespace

RaceObserver& race_observer() {
  static auto* const instance = new RaceObserver;  // outlives every static destructor
  return *instance;
}

RaceObserver::RaceObserver() {
  ModuleRange range{reinterpret_cast<std::uintptr_t>(&observer)};
  dl_iterate_phdr(find_module, &range);
  module_begin_ = reinterpret_cast<const char*>(range.begin);
  module_end_ = reinterpret_cast<const char*>(range.end);
}

void RaceObserver::launch_begins(const Geometry& geometry, const Closure& thread) {
  arguments_begin_ = static_cast<const char*>(thread.arguments.get());
  arguments_end_ = arguments_begin_ + thread.bytes;
  races_.begin_launch();
  statistics_.begin_launch(geometry);
}

void RaceObserver::forget_races() {
  races_.forget();
  host_accesses_.clear();
}

void RaceObserver::access(const void* address, std::size_t bytes, AccessKind kind, bool unraced,
                          const void* instruction) {
  const auto* byte = static_cast<const char*>(address);
  const bool shared = block_scheduler().shared().contains(address);
  if (!shared && !device_memory().in_region(address)) {
    const bool own = (byte >= module_begin_ && byte < module_end_) ||
                     (byte >= arguments_begin_ && byte < arguments_end_) || on_fiber_stack(address);
    if (!own && !pinned_memory().contains(address, bytes) && !in_some_module(address))
      report_host_access(address, instruction);
    return;
  }
  races_.access(address, bytes, kind, unraced, shared, instruction);
  if (kind != AccessKind::atomic_load)
    statistics_.access(address, bytes, kind, shared, instruction);
}

void RaceObserver::report_host_access(const void* address, const void* instruction) {
  if (!host_accesses_.insert(instruction).second) return;
  std::fprintf(stderr, "simcuda: kernel touches host memory %p at %s, ", address,
               source_line(instruction).c_str());
  print_position();
  std::fputc('\n', stderr);
}

}  // namespace simcuda
