// engine-profile doctor: devices, libraries and versions, what will be used and why not the rest.
#include <fmt/format.h>

#include <algorithm>

#include "engine/core/error.h"
#include "engine/core/version.h"
#include "engine/device/backend.h"
#include "engine/tune/algorithm_cache.h"
#include "ops/registry.h"
#include "tools/common/format.h"
#include "tools/common/output.h"
#include "tools/common/record.h"
#include "tools/common/table.h"
#include "tools/profile/commands.h"

namespace engine::tools {
namespace {

struct Options {
  std::optional<std::string> algorithm_cache;
  std::optional<std::int64_t> threads;
  bool json = false;
};

struct FoundDevice {
  std::string name, fingerprint;
  std::size_t available = 0;
  std::string why_not;  // empty when it can be used
};

struct Findings {
  std::vector<FoundDevice> devices;  // the CPU first
  BackendStatus cuda;
  std::string automatic;
  std::string cache_path;
  std::int64_t records = 0, usable_records = 0;
};

FoundDevice examine(const std::string& name, int threads) {
  try {
    const std::unique_ptr<Device> device = open_device(name, threads);
    return {name, device->fingerprint(), device->available_memory(), ""};
  } catch (const DeviceError& error) {
    return {name, "", 0, error.what()};
  }
}

void examine_cache(const Options& options, Findings& findings) {
  findings.cache_path = options.algorithm_cache.value_or(AlgorithmCache::default_path());
  const AlgorithmCache cache(findings.cache_path, AlgorithmCache::Access::read_only);
  for (const TuningRecord& record : cache.records()) {
    ++findings.records;
    if (std::any_of(findings.devices.begin(), findings.devices.end(),
                    [&](const auto& device) { return device.fingerprint == record.fingerprint; }))
      ++findings.usable_records;
  }
}

Findings examine_all(const Options& options) {
  initialize();
  const auto threads = static_cast<int>(options.threads.value_or(0));
  Findings findings;
  findings.devices.push_back(examine("cpu", threads));
  findings.cuda = load_backend("cuda");
  for (int i = 0; i < findings.cuda.devices; ++i)
    findings.devices.push_back(examine(fmt::format("cuda:{}", i), threads));
  findings.automatic = findings.cuda.devices > 0 ? "cuda:0" : "cpu";
  examine_cache(options, findings);
  return findings;
}

void print_json(const Findings& findings) {
  std::vector<Record> devices;
  for (const FoundDevice& device : findings.devices) {
    Record record;
    record.set("name", device.name).set("fingerprint", device.fingerprint);
    record.set("available_bytes", static_cast<std::int64_t>(device.available));
    const bool usable = device.why_not.empty();
    devices.push_back(record.set("why_not", usable ? Field(nullptr) : Field(device.why_not)));
  }
  std::vector<Record> libraries;
  for (const std::string& detail : findings.cuda.details) {
    Record record;
    libraries.push_back(record.set("version", detail));
  }
  const bool has_cuda = findings.cuda.why_not.empty();
  Record record;
  record.set("engine", kVersion).set("plugin_abi", std::int64_t{kPluginAbi});
  record.set("devices", devices);
  record.set("cuda", has_cuda).set("cuda_devices", std::int64_t{findings.cuda.devices});
  record.set("cuda_why_not", has_cuda ? Field(nullptr) : Field(findings.cuda.why_not));
  record.set("cuda_libraries", libraries).set("auto", findings.automatic);
  record.set("algorithm_cache", findings.cache_path).set("cache_records", findings.records);
  print_line(to_json(record.set("cache_records_usable", findings.usable_records)));
}

void print_text(const Findings& findings) {
  Table table({{""}, {""}});
  table.add({"engine", fmt::format("{}, plug-in interface {}", kVersion, kPluginAbi)});
  for (const FoundDevice& device : findings.devices) {
    if (!device.why_not.empty()) {
      table.add({device.name, "cannot be used: " + one_line(device.why_not)});
      continue;
    }
    table.add({device.name, device.fingerprint});
    table.add({"", human_bytes(static_cast<double>(device.available)) + " of memory available"});
  }
  for (const std::string& detail : findings.cuda.details) table.add({"cuda", one_line(detail)});
  if (!findings.cuda.why_not.empty())
    table.add({"cuda", "cannot be used: " + one_line(findings.cuda.why_not)});
  table.add({"auto", "takes " + findings.automatic});
  const std::string path =
      findings.cache_path.empty() ? "nowhere (no home folder)" : one_line(findings.cache_path);
  table.add({"cache", fmt::format("{}: {} records, {} of them for these devices", path,
                                  findings.records, findings.usable_records)});
  table.print();
}

}  // namespace

void add_doctor(CommandLine& line) {
  static Options options;
  line.add("doctor", "Devices, libraries, versions: what will be used, and why not the rest",
           [] {
             const Findings findings = examine_all(options);
             options.json ? print_json(findings) : print_text(findings);
             return 0;
           })
      .option("--algorithm-cache", options.algorithm_cache, "FILE",
              "where measured kernels are kept")
      .option("--threads", options.threads, "N", "CPU threads (default: one a core)")
      .flag("--json", options.json, "one JSON object");
}

}  // namespace engine::tools
