#include "engine/tune/guarded_buffer.h"

#include <algorithm>
#include <vector>

#include "engine/core/error.h"

namespace engine {
namespace {

// Wider than any vector store or cache line that a kernel may be off by.
constexpr std::size_t kGuard = 256;
constexpr unsigned char kGuardByte = 0xA5;
constexpr unsigned char kPoison = 0xFF;

std::size_t round_up(std::size_t value, std::size_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

std::size_t with_guards(std::size_t bytes, std::size_t front) {
  std::size_t total = 0;
  if (__builtin_add_overflow(bytes, front + kGuard, &total))
    throw OutOfMemoryError("a buffer of " + std::to_string(bytes) + " bytes does not exist");
  return total;
}

}  // namespace

GuardedBuffer::GuardedBuffer(Device& device, std::size_t bytes)
    : front_(round_up(kGuard, device.alignment())),
      bytes_(bytes),
      buffer_(device, with_guards(bytes, front_)) {}

void GuardedBuffer::reset(Stream& stream) {
  stream.fill(buffer_.data(), kGuardByte, front_);
  if (bytes_ > 0) stream.fill(data(), kPoison, bytes_);
  stream.fill(buffer_.data() + front_ + bytes_, kGuardByte, kGuard);
}

bool GuardedBuffer::intact(Stream& stream) const {
  std::vector<unsigned char> guards(front_ + kGuard);
  stream.copy_to_host(guards.data(), buffer_.data(), front_);
  stream.copy_to_host(guards.data() + front_, buffer_.data() + front_ + bytes_, kGuard);
  stream.synchronize();
  return std::all_of(guards.begin(), guards.end(),
                     [](unsigned char byte) { return byte == kGuardByte; });
}

}  // namespace engine
