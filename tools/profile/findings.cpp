#include "tools/profile/findings.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "engine/core/error.h"
#include "engine/core/version.h"
#include "engine/device/cpu/parallel.h"
#include "engine/tune/algorithm_cache.h"
#include "ops/registry.h"

namespace engine::tools {
namespace {

FoundDevice examine_device(const std::string& name, int threads) {
  try {
    const std::unique_ptr<Device> device = open_device(name, threads);
    return {name, device->fingerprint(), device->available_memory(), ""};
  } catch (const DeviceError& error) {
    return {name, "", 0, error.what()};
  }
}

// Whether a file can be replaced: what counts is the nearest folder that is there.
bool can_write(std::filesystem::path path) {
  std::error_code error;
  for (path = std::filesystem::absolute(path, error).parent_path(); !error && !path.empty();
       path = path.parent_path()) {
    if (std::filesystem::exists(path, error)) return access(path.c_str(), W_OK | X_OK) == 0;
    if (path == path.root_path()) break;
  }
  return false;
}

FoundCache examine_cache(const std::string& path, const std::vector<FoundDevice>& devices) {
  FoundCache cache;
  cache.path = path;
  if (path.empty()) return cache;
  std::error_code error;
  cache.exists = std::filesystem::exists(path, error);
  cache.writable = can_write(path);
  if (!cache.exists) return cache;
  try {
    for (const CacheLine& line : read_cache_lines(path)) {
      ++(line.record ? cache.records : cache.corrupt);
      if (!line.record || line.record->engine != kVersion) continue;
      if (std::any_of(devices.begin(), devices.end(), [&](const FoundDevice& device) {
            return device.fingerprint == line.record->fingerprint;
          }))
        ++cache.usable;
    }
    cache.bytes = std::filesystem::file_size(path);
  } catch (const std::exception& failure) {
    cache.why_not = failure.what();
  }
  return cache;
}

}  // namespace

Findings examine(int threads, const std::optional<std::string>& cache) {
  initialize();
  Findings findings;
  findings.version = kVersion;
  findings.plugin_abi = kPluginAbi;
  findings.devices.push_back(examine_device("cpu", threads));
  findings.threads = cpu::threads();
  findings.cpu = cpu::cpu_facts();
  findings.cuda = load_backend("cuda");
  for (int i = 0; i < findings.cuda.devices; ++i)
    findings.devices.push_back(examine_device(fmt::format("cuda:{}", i), threads));
  findings.automatic = findings.cuda.devices > 0 ? "cuda:0" : "cpu";
  findings.cache = examine_cache(cache ? *cache : AlgorithmCache::default_path(), findings.devices);
  return findings;
}

}  // namespace engine::tools
