#include "shared_memory.h"

#include <cstring>

#include "poison.h"

namespace simcuda {
namespace {

constexpr std::size_t gap_bytes = 128;     // poisoned, between any two variables
constexpr std::size_t max_variables = 64;  // room for their gaps
constexpr std::size_t arena_bytes = shared_bytes_opt_in + (max_variables + 2) * 2 * gap_bytes;
constexpr std::size_t dynamic_alignment = 128;
constexpr int fill = 0xFF;

alignas(1024) char arena[arena_bytes];

std::size_t round_up(std::size_t value, std::size_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

}  // namespace

char* SharedMemory::place(std::size_t bytes, std::size_t alignment) {
  const std::size_t offset = round_up(used_ + gap_bytes, alignment < 8 ? 8 : alignment);
  used_ = offset + bytes;
  unpoison(arena + offset, bytes);
  std::memset(arena + offset, fill, bytes);
  return arena + offset;
}

void SharedMemory::begin_launch(std::size_t dynamic_bytes) {
  poison(arena, arena_bytes);
  variables_.clear();
  used_ = static_bytes_ = 0;
  dynamic_bytes_ = dynamic_bytes;
  dynamic_ = place(dynamic_bytes, dynamic_alignment);
}

void SharedMemory::begin_block() {
  std::memset(dynamic_, fill, dynamic_bytes_);
  for (const Variable& variable : variables_) std::memset(variable.address, fill, variable.bytes);
}

void SharedMemory::end_launch() {
  unpoison(arena, arena_bytes);
}

void* SharedMemory::variable(const void* identity, std::size_t bytes, std::size_t alignment) {
  for (const Variable& known : variables_)
    if (known.identity == identity) return known.address;
  const std::size_t aligned = round_up(static_bytes_, alignment) + bytes;
  if (aligned + dynamic_bytes_ > shared_bytes_opt_in || variables_.size() == max_variables)
    return nullptr;
  static_bytes_ = aligned;
  variables_.push_back({identity, place(bytes, alignment), bytes});
  return variables_.back().address;
}

bool SharedMemory::contains(const void* address) const {
  const auto* byte = static_cast<const char*>(address);
  return byte >= arena && byte < arena + used_;
}

}  // namespace simcuda
