// The CPU back end. Large blocks are anonymous mappings, so that pages nobody touches cost no
// memory and released ones go back to the system at once, in huge pages if there are any; small
// blocks come from the heap.
#include "engine/device/cpu/cpu_device.h"

#include <fmt/format.h>
#include <sched.h>
#include <sys/mman.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <limits>
#include <mutex>
#include <oneapi/dnnl/dnnl.hpp>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>

#include "engine/core/error.h"
#include "engine/device/cpu/parallel.h"

namespace engine::cpu {
namespace {

constexpr std::size_t kAlignment = 64;
constexpr std::size_t kMappedFrom = std::size_t{1} << 20;

// The text after the colon of the first line of `path` that starts with `field`.
std::string field_of_file(const std::string& path, std::string_view field) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(field)) continue;
    const std::size_t colon = line.find(':');
    const std::size_t start = line.find_first_not_of(" \t", colon + 1);
    return colon == std::string::npos || start == std::string::npos ? "" : line.substr(start);
  }
  return "";
}

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

std::optional<std::size_t> leading_number(const std::string& text) {
  std::size_t number = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  if (result.ec != std::errc{}) return std::nullopt;
  return number;
}

// Free memory of the machine, or of the control group that this process is confined to.
std::size_t free_memory() {
  std::size_t bytes = std::numeric_limits<std::size_t>::max();
  if (auto kilobytes = leading_number(field_of_file("/proc/meminfo", "MemAvailable")))
    bytes = *kilobytes * 1024;
  const auto limit = leading_number(first_line("/sys/fs/cgroup/memory.max"));
  const auto used = leading_number(first_line("/sys/fs/cgroup/memory.current"));
  if (limit && used) bytes = std::min(bytes, *limit - std::min(*limit, *used));
  return bytes;
}

// Whole CPUs that the control group's quota amounts to; the largest int without a quota.
int quota() {
  const std::string line = first_line("/sys/fs/cgroup/cpu.max");
  const std::size_t space = line.find(' ');
  const auto budget = leading_number(line);
  if (!budget || space == std::string::npos) return std::numeric_limits<int>::max();
  const auto period = leading_number(line.substr(space + 1));
  if (!period || *period == 0) return std::numeric_limits<int>::max();
  return static_cast<int>(std::max<std::size_t>(1, (*budget + *period - 1) / *period));
}

// Physical cores this process may run on: hyper-threads of one core share its arithmetic units, so
// a second thread on them only adds contention.
int usable_cores() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  if (sched_getaffinity(0, sizeof mask, &mask) != 0) return 1;
  std::set<std::string> cores;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &mask)) continue;
    const std::string siblings =
        first_line(fmt::format("/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list", cpu));
    cores.insert(siblings.empty() ? fmt::format("cpu{}", cpu) : siblings);
  }
  return std::max(1, std::min(static_cast<int>(cores.size()), quota()));
}

std::string isa_name() {
  switch (dnnl::get_effective_cpu_isa()) {
    case dnnl::cpu_isa::all:
      return "all";
    case dnnl::cpu_isa::sse41:
      return "sse41";
    case dnnl::cpu_isa::avx:
      return "avx";
    case dnnl::cpu_isa::avx2:
      return "avx2";
    case dnnl::cpu_isa::avx2_vnni:
      return "avx2_vnni";
    case dnnl::cpu_isa::avx512_core:
      return "avx512_core";
    case dnnl::cpu_isa::avx512_core_vnni:
      return "avx512_core_vnni";
    case dnnl::cpu_isa::avx512_core_bf16:
      return "avx512_core_bf16";
    case dnnl::cpu_isa::avx512_core_amx:
      return "avx512_core_amx";
    default:
      return fmt::format("isa{:x}", static_cast<unsigned>(dnnl::get_effective_cpu_isa()));
  }
}

std::string cpu_model() {
  const std::string model = field_of_file("/proc/cpuinfo", "model name");
  return model.empty() ? "unknown CPU" : model;
}

std::string onednn_version() {
  const dnnl_version_t& version = *dnnl::version();
  const std::string hash = version.hash != nullptr ? version.hash : "N/A";
  return fmt::format("{}.{}.{}{}", version.major, version.minor, version.patch,
                     hash == "N/A" ? "" : " " + hash);
}

// The level of the x86-64 psABI, which is what functions compiled for several machines are picked
// by.
std::string instruction_level() {
#if defined(__x86_64__) && defined(__GNUC__)
  __builtin_cpu_init();
  const bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                  __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
  const bool v4 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                  __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                  __builtin_cpu_supports("avx512vl");
  if (v3) return v4 ? "x86-64-v4" : "x86-64-v3";
#endif
  return "baseline";
}

class CpuStream final : public Stream {
 public:
  explicit CpuStream(Device& device) : device_(device) {}
  Device& device() const override { return device_; }
  void synchronize() override {}
  void copy_to_device(void* destination, const void* source, std::size_t bytes) override {
    copy(destination, source, bytes);
  }
  void copy_to_host(void* destination, const void* source, std::size_t bytes) override {
    copy(destination, source, bytes);
  }
  void copy_on_device(void* destination, const void* source, std::size_t bytes) override {
    copy(destination, source, bytes);
  }
  void fill(void* destination, unsigned char byte, std::size_t bytes) override {
    if (bytes > 0) std::memset(destination, byte, bytes);
  }

 private:
  static void copy(void* destination, const void* source, std::size_t bytes) {
    if (bytes > 0 && destination != source) std::memmove(destination, source, bytes);
  }
  Device& device_;
};

class CpuDevice final : public Device {
 public:
  explicit CpuDevice(int threads) : threads_(threads) {}

  const std::string& backend() const override { return name_; }
  std::string name() const override { return name_; }
  std::string fingerprint() const override {
    return fmt::format("{} · {} · {} threads · oneDNN {}", cpu_model(), isa_name(), threads_,
                       onednn_version());
  }
  std::size_t alignment() const override { return kAlignment; }
  std::size_t available_memory() const override { return free_memory(); }

  std::unique_ptr<Stream> make_stream() override {
    // OpenMP keeps the size of the pool for each calling thread, and this may be another one than
    // the thread that made the device.
    set_threads(threads_);
    return std::make_unique<CpuStream>(*this);
  }
  std::shared_ptr<std::byte> host_memory(std::size_t) override { return nullptr; }
  std::unique_ptr<Replay> capture(Stream&, const std::function<void()>&) override {
    return nullptr;
  }
  std::vector<double> time(Stream&, int runs, const std::function<void()>& before_each,
                           const std::function<void()>& body) override {
    std::vector<double> microseconds;
    for (int run = 0; run < runs; ++run) {
      if (before_each) before_each();
      const auto start = std::chrono::steady_clock::now();
      body();
      const std::chrono::duration<double, std::micro> elapsed =
          std::chrono::steady_clock::now() - start;
      microseconds.push_back(elapsed.count());
    }
    return microseconds;
  }

 private:
  void* allocate(std::size_t bytes) override {
    void* data = nullptr;
    if (bytes < kMappedFrom) {
      // Rounded up to a positive multiple of the alignment, as aligned_alloc requires: an empty
      // buffer has an address of its own, too.
      const std::size_t whole =
          (std::max<std::size_t>(bytes, 1) + kAlignment - 1) & ~(kAlignment - 1);
      data = std::aligned_alloc(kAlignment, whole);
    } else {
      data = map(bytes);
    }
    if (data == nullptr)
      throw OutOfMemoryError(fmt::format("cpu: {} bytes of memory were asked for, {} are available",
                                         bytes, available_memory()));
    return data;
  }

  void* map(std::size_t bytes) {
    if (bytes > available_memory()) return nullptr;
    void* data = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data == MAP_FAILED) return nullptr;
    // A step goes over more memory than the TLB covers with small pages: they took 4% of the time
    // of mnist-mlp's, 7% of cifar10-vgg's. A wish: where it cannot be met, all is as without.
    static_cast<void>(::madvise(data, bytes, MADV_HUGEPAGE));
    const std::lock_guard lock(mutex_);
    mapped_.emplace(data, bytes);
    return data;
  }

  void release(void* data) noexcept override {
    {
      const std::lock_guard lock(mutex_);
      if (auto entry = mapped_.find(data); entry != mapped_.end()) {
        ::munmap(data, entry->second);
        mapped_.erase(entry);
        return;
      }
    }
    std::free(data);
  }

  const std::string name_ = "cpu";
  const int threads_;
  std::mutex mutex_;
  std::unordered_map<void*, std::size_t> mapped_;  ///< large blocks and their sizes
};

}  // namespace

std::unique_ptr<Device> make_cpu_device(int threads) {
  const int count = threads > 0 ? threads : usable_cores();
  set_threads(count);
  return std::make_unique<CpuDevice>(count);
}

CpuFacts cpu_facts() {
  CpuFacts facts;
  facts.model = cpu_model();
  facts.level = instruction_level();
  facts.onednn = onednn_version();
  facts.onednn_isa = isa_name();
  facts.cores = usable_cores();
  facts.memory = leading_number(field_of_file("/proc/meminfo", "MemTotal")).value_or(0) * 1024;
  return facts;
}

}  // namespace engine::cpu
