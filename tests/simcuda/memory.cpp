#include "memory.h"

#include <simcuda/kernel.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "environment.h"
#include "poison.h"

namespace simcuda {
namespace {

constexpr std::size_t region_bytes = std::size_t{64} << 30;  // address space, not memory
constexpr std::size_t alignment = 256;
constexpr std::size_t gap_bytes = 256;
constexpr std::size_t quarantine_bytes = std::size_t{16} << 20;
constexpr std::size_t huge_page = std::size_t{2} << 20;
constexpr int fill = 0xFF;

std::size_t round_up(std::size_t value, std::size_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

struct sigaction previous_action;

void write_text(const char* text) {
  [[maybe_unused]] const auto written = write(STDERR_FILENO, text, std::strlen(text));
}

// Says what the fault means, then lets it happen again under the handler that was there before.
void explain_fault(int, siginfo_t* info, void*) {
  if (device_memory().in_region(info->si_addr)) {
    if (device_memory().is_open() && current_thread != nullptr) {
      char text[160];
      std::snprintf(text, sizeof text,
                    "simcuda: illegal address in block (%u,%u,%u), thread %u of the block\n",
                    block_index.x, block_index.y, block_index.z, current_thread->linear);
      write_text(text);
    } else {
      write_text("simcuda: host code touched device memory\n");
    }
  }
  sigaction(SIGSEGV, &previous_action, nullptr);
}

void install_fault_message() {
  struct sigaction action {};
  action.sa_sigaction = explain_fault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigaction(SIGSEGV, &action, &previous_action);
}

}  // namespace

DeviceMemory& device_memory() {
  static DeviceMemory* const memory = new DeviceMemory;  // outlives every static destructor
  return *memory;
}

DeviceMemory::DeviceMemory() : quota_(environment_memory()) {
  void* region = mmap(nullptr, region_bytes + huge_page, PROT_NONE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (region == MAP_FAILED) {
    std::perror("simcuda: no address space for device memory");
    std::abort();
  }
  const auto address = reinterpret_cast<std::uintptr_t>(region);
  base_ = reinterpret_cast<char*>(round_up(address, huge_page));
  // Opening and closing walks the page tables: huge pages make that cheap. A hint, free to fail.
  madvise(base_, region_bytes, MADV_HUGEPAGE);
  install_fault_message();
}

void DeviceMemory::protect(int protection) {
  // Whole huge pages: a boundary inside one would split it at every change.
  if (frontier_ != 0 && mprotect(base_, round_up(frontier_, huge_page), protection) != 0) {
    std::perror("simcuda: mprotect of device memory");
    std::abort();
  }
}

void DeviceMemory::open() {
  if (open_depth_++ == 0) protect(PROT_READ | PROT_WRITE);
}

void DeviceMemory::close() {
  if (--open_depth_ == 0) protect(PROT_NONE);
}

char* DeviceMemory::find_block(std::size_t bytes) {
  for (auto block = free_.begin(); block != free_.end(); ++block) {
    if (block->second < bytes) continue;
    auto [address, available] = *block;
    free_.erase(block);
    if (available > bytes) free_.emplace(address + bytes, available - bytes);
    return address;
  }
  if (frontier_ + bytes > region_bytes) return nullptr;
  char* address = base_ + frontier_;
  frontier_ += bytes;
  if (is_open()) protect(PROT_READ | PROT_WRITE);
  return address;
}

void* DeviceMemory::allocate(std::size_t bytes, int device) {
  if (bytes > quota_ || used_[device] > quota_ - bytes) return nullptr;
  const std::size_t block_bytes = round_up(bytes, alignment) + gap_bytes;
  char* block = find_block(block_bytes);
  if (block == nullptr) return nullptr;
  used_[device] += bytes;
  total_used_ += bytes;
  peak_ = std::max(peak_, total_used_);
  live_.emplace(block, Allocation{bytes, device});
  const DeviceAccess access;
  unpoison(block, bytes);
  std::memset(block, fill, bytes);
  poison(block + bytes, block_bytes - bytes);
  return block;
}

bool DeviceMemory::release(void* address) {
  auto* block = static_cast<char*>(address);
  const auto found = live_.find(block);
  if (found == live_.end()) return false;
  const auto [bytes, device] = found->second;
  live_.erase(found);
  used_[device] -= bytes;
  total_used_ -= bytes;
  poison(block, bytes);
  const std::size_t block_bytes = round_up(bytes, alignment) + gap_bytes;
  quarantine_.emplace_back(block, block_bytes);
  quarantined_ += block_bytes;
  while (quarantined_ > quarantine_bytes) {
    const auto [oldest, oldest_bytes] = quarantine_.front();
    quarantine_.pop_front();
    quarantined_ -= oldest_bytes;
    add_free(oldest, oldest_bytes);
  }
  return true;
}

void DeviceMemory::add_free(char* block, std::size_t bytes) {
  char* first_page = base_ + round_up(static_cast<std::size_t>(block - base_), huge_page);
  char* last_page = base_ + static_cast<std::size_t>(block + bytes - base_) / huge_page * huge_page;
  if (last_page > first_page)
    madvise(first_page, static_cast<std::size_t>(last_page - first_page), MADV_DONTNEED);
  auto after = free_.lower_bound(block);
  if (after != free_.end() && block + bytes == after->first) {
    bytes += after->second;
    after = free_.erase(after);
  }
  if (after != free_.begin()) {
    const auto before = std::prev(after);
    if (before->first + before->second == block) {
      before->second += bytes;
      return;
    }
  }
  free_.emplace(block, bytes);
}

bool DeviceMemory::in_region(const void* address) const {
  const auto* byte = static_cast<const char*>(address);
  return byte >= base_ && byte < base_ + region_bytes;
}

bool DeviceMemory::contains(const void* address, std::size_t bytes) const {
  if (!in_region(address)) return false;
  auto* byte = static_cast<char*>(const_cast<void*>(address));
  auto found = live_.upper_bound(byte);
  if (found == live_.begin()) return false;
  --found;
  const auto offset = static_cast<std::size_t>(byte - found->first);
  return offset <= found->second.bytes && bytes <= found->second.bytes - offset;
}

int DeviceMemory::device_of(const void* address) const {
  if (!contains(address, 0)) return -1;
  return std::prev(live_.upper_bound(static_cast<char*>(const_cast<void*>(address))))
      ->second.device;
}

std::size_t DeviceMemory::offset(const void* address) const {
  return static_cast<std::size_t>(static_cast<const char*>(address) - base_);
}

std::size_t DeviceMemory::used(int device) const {
  const auto found = used_.find(device);
  return found == used_.end() ? 0 : found->second;
}

// -- pinned host memory --------------------------------------------------------------------------

PinnedMemory& pinned_memory() {
  static PinnedMemory* const memory = new PinnedMemory;
  return *memory;
}

void* PinnedMemory::allocate(std::size_t bytes) {
  void* address =
      std::aligned_alloc(alignment, round_up(std::max<std::size_t>(bytes, 1), alignment));
  if (address == nullptr) return nullptr;
  std::memset(address, fill, bytes);
  ranges_[static_cast<char*>(address)] = {bytes, true};
  return address;
}

bool PinnedMemory::release(void* address) {
  const auto found = ranges_.find(static_cast<char*>(address));
  if (found == ranges_.end() || !found->second.owned) return false;
  ranges_.erase(found);
  std::free(address);
  return true;
}

bool PinnedMemory::add(void* address, std::size_t bytes) {
  return ranges_.emplace(static_cast<char*>(address), Range{bytes, false}).second;
}

bool PinnedMemory::remove(void* address) {
  const auto found = ranges_.find(static_cast<char*>(address));
  if (found == ranges_.end() || found->second.owned) return false;
  ranges_.erase(found);
  return true;
}

bool PinnedMemory::contains(const void* address, std::size_t bytes) const {
  const auto* byte = static_cast<const char*>(address);
  auto found = ranges_.upper_bound(byte);
  if (found == ranges_.begin()) return false;
  --found;
  const auto offset = static_cast<std::size_t>(byte - found->first);
  return offset < found->second.bytes && bytes <= found->second.bytes - offset;
}

}  // namespace simcuda
