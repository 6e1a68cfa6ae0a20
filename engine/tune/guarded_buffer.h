// Device memory between two guard zones, by which a kernel that writes outside its operand is
// caught.
#pragma once

#include <cstddef>

#include "engine/device/device.h"

namespace engine {

class GuardedBuffer {
 public:
  GuardedBuffer(Device& device, std::size_t bytes);

  /// Aligned as the device's own allocations are; nullptr when it has no bytes.
  std::byte* data() const { return bytes_ == 0 ? nullptr : buffer_.data() + front_; }
  std::size_t bytes() const { return bytes_; }

  /// Enqueues a fresh start: guard zones set, all bytes between 0xFF (NaN as floating point).
  void reset(Stream& stream);
  /// Whether the guard zones are as reset() left them. Waits for the stream.
  bool intact(Stream& stream) const;

 private:
  std::size_t front_;  // bytes before the operand, a multiple of the alignment
  std::size_t bytes_;
  Buffer buffer_;
};

}  // namespace engine
