// Device memory: one reserved range of addresses that host code cannot touch. It is opened only
// while simulated work runs, so a host access through a device pointer is a segmentation fault, as
// with a device. Blocks lie apart, and what is not allocated is poisoned for AddressSanitizer.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <unordered_map>
#include <vector>

namespace simcuda {

class DeviceMemory {
 public:
  DeviceMemory();
  DeviceMemory(const DeviceMemory&) = delete;
  DeviceMemory& operator=(const DeviceMemory&) = delete;

  // 256-byte aligned and filled with 0xFF; null where the quota does not allow it.
  void* allocate(std::size_t bytes, int device);
  bool release(void* address);  // false for anything but the start of a live allocation

  bool in_region(const void* address) const;
  bool contains(const void* address, std::size_t bytes) const;  // within one live allocation
  int device_of(const void* address) const;                     // -1 for no live allocation
  std::size_t offset(const void* address) const;                // from the start of the region

  void set_quota(std::size_t bytes) { quota_ = bytes; }
  std::size_t quota() const { return quota_; }
  std::size_t used(int device) const;
  std::size_t total_used() const { return total_used_; }
  std::size_t live() const { return live_.size(); }
  std::size_t peak() const { return peak_; }
  void reset_peak() { peak_ = total_used_; }

  void open();
  void close();
  bool is_open() const { return open_depth_ > 0; }

 private:
  struct Allocation {
    std::size_t bytes;
    int device;
  };
  char* base_;
  std::size_t frontier_ = 0;  // beyond it nothing was ever allocated
  std::map<char*, Allocation> live_;
  std::map<char*, std::size_t> free_;                     // coalesced
  std::deque<std::pair<char*, std::size_t>> quarantine_;  // freed of late, not to be reused yet
  std::size_t quarantined_ = 0;
  std::unordered_map<int, std::size_t> used_;
  std::size_t total_used_ = 0;
  std::size_t peak_ = 0;
  std::size_t quota_;
  unsigned open_depth_ = 0;

  char* find_block(std::size_t bytes);
  void add_free(char* block, std::size_t bytes);
  void protect(int protection);
};

DeviceMemory& device_memory();

// Device memory is reachable while one of these lives.
class DeviceAccess {
 public:
  DeviceAccess() { device_memory().open(); }
  ~DeviceAccess() { device_memory().close(); }
  DeviceAccess(const DeviceAccess&) = delete;
  DeviceAccess& operator=(const DeviceAccess&) = delete;
};

// Pinned host memory: what the runtime allocated or was told of.
class PinnedMemory {
 public:
  void* allocate(std::size_t bytes);
  bool release(void* address);
  bool add(void* address, std::size_t bytes);  // memory of the caller's
  bool remove(void* address);
  bool contains(const void* address, std::size_t bytes) const;
  std::size_t live() const { return ranges_.size(); }

 private:
  struct Range {
    std::size_t bytes;
    bool owned;
  };
  std::map<const char*, Range> ranges_;
};

PinnedMemory& pinned_memory();

}  // namespace simcuda
