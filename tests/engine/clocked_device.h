// The CPU with a clock that only kernels of the tests advance, so that times, and what is chosen by
// them, are exact on a busy machine too.
#pragma once

#include <cstdlib>
#include <string>

#include "engine/core/error.h"
#include "engine/device/cpu/cpu_device.h"

namespace engine {

class ClockedDevice final : public Device {
 public:
  /// Microseconds.
  static void advance(double microseconds) { now() += microseconds; }

  const std::string& backend() const override { return cpu_->backend(); }
  std::string name() const override { return cpu_->name(); }
  std::string fingerprint() const override { return "clocked"; }
  std::size_t alignment() const override { return cpu_->alignment(); }
  std::size_t available_memory() const override { return cpu_->available_memory(); }
  std::unique_ptr<Stream> make_stream() override { return cpu_->make_stream(); }
  std::shared_ptr<std::byte> host_memory(std::size_t) override { return nullptr; }
  std::unique_ptr<Replay> capture(Stream&, const std::function<void()>&) override {
    return nullptr;
  }
  std::vector<double> time(Stream&, int runs, const std::function<void()>&,
                           const std::function<void()>& body) override {
    std::vector<double> times;
    for (int run = 0; run < runs; ++run) {
      const double start = now();
      body();
      times.push_back(now() - start);
    }
    return times;
  }

 private:
  static double& now() {
    static double microseconds = 0;
    return microseconds;
  }
  void* allocate(std::size_t bytes) override {
    if (bytes > std::size_t{1} << 30) throw OutOfMemoryError("a gigabyte is all there is");
    const std::size_t whole = (bytes / alignment() + 1) * alignment();
    if (void* data = std::aligned_alloc(alignment(), whole)) return data;
    throw OutOfMemoryError("the heap is empty");
  }
  void release(void* data) noexcept override { std::free(data); }

  const std::unique_ptr<Device> cpu_ = cpu::make_cpu_device(1);
};

}  // namespace engine
