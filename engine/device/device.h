// A device runs kernels: the CPU, or an accelerator whose back end is a plug-in loaded at run time.
// Memory, streams and captured work are owned by move-only handles; nothing here knows of graphs.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace engine {

class Device;

/// An ordered queue of work on a device. Launches and copies only enqueue; synchronize() waits and
/// is where errors of earlier work surface as DeviceError. On the CPU work is done when the call
/// returns.
class Stream {
 public:
  virtual ~Stream() = default;
  virtual Device& device() const = 0;
  virtual void synchronize() = 0;
  /// Copies `bytes` from host memory; `source` may be reused when the call returns, or, where it is
  /// Device::host_memory(), after synchronize().
  virtual void copy_to_device(void* destination, const void* source, std::size_t bytes) = 0;
  /// Copies `bytes` to host memory; valid after synchronize().
  virtual void copy_to_host(void* destination, const void* source, std::size_t bytes) = 0;
  virtual void copy_on_device(void* destination, const void* source, std::size_t bytes) = 0;
  virtual void fill(void* destination, unsigned char byte, std::size_t bytes) = 0;
  /// The back end's own handle (a cudaStream_t); nullptr on the CPU.
  virtual void* native() const { return nullptr; }
};

/// Work recorded once, to be launched again and again with the same arguments.
class Replay {
 public:
  virtual ~Replay() = default;
  virtual void launch(Stream& stream) = 0;
};

/// Device memory, freed on destruction. Aligned to Device::alignment().
class Buffer {
 public:
  Buffer() = default;
  Buffer(Device& device, std::size_t bytes);
  ~Buffer() { reset(); }
  Buffer(Buffer&& other) noexcept;
  Buffer& operator=(Buffer&& other) noexcept;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  std::byte* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }
  explicit operator bool() const { return device_ != nullptr; }
  void reset() noexcept;

 private:
  Device* device_ = nullptr;
  std::byte* data_ = nullptr;
  std::size_t bytes_ = 0;
};

class Device {
 public:
  virtual ~Device() = default;
  /// The back end: "cpu", "cuda". Candidates are registered under this name.
  virtual const std::string& backend() const = 0;
  /// "cpu" or "cuda:0": what --device accepts and messages print.
  virtual std::string name() const = 0;
  /// Hardware, driver, library versions and threads: whatever may change which kernel is fastest.
  virtual std::string fingerprint() const = 0;
  virtual std::size_t alignment() const = 0;
  /// Bytes that can still be allocated now.
  virtual std::size_t available_memory() const = 0;
  virtual std::unique_ptr<Stream> make_stream() = 0;
  /// Memory of the host that is copied to this device at full speed, while kernels run (pinned).
  /// Null where kernels read the host's memory, so that nothing need be copied.
  virtual std::shared_ptr<std::byte> host_memory(std::size_t bytes) = 0;

  /// Records what `body` enqueues on `stream` without running it; nullptr when the device has no
  /// capture (the CPU), and the caller then launches step by step.
  virtual std::unique_ptr<Replay> capture(Stream& stream, const std::function<void()>& body) = 0;

  /// Microseconds of each of `runs` executions of `body`, timed in the regime that training uses
  /// (captured where there is capture). `before_each` runs untimed before every execution.
  virtual std::vector<double> time(Stream& stream, int runs,
                                   const std::function<void()>& before_each,
                                   const std::function<void()>& body) = 0;

 private:
  friend class Buffer;
  /// Throws OutOfMemoryError naming the bytes asked for and those available.
  virtual void* allocate(std::size_t bytes) = 0;
  virtual void release(void* data) noexcept = 0;
};

}  // namespace engine
