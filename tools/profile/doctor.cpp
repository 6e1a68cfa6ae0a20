// engine-profile doctor: devices, libraries and versions, what will be used and why not the rest.
#include <fmt/format.h>

#include "tools/common/format.h"
#include "tools/common/output.h"
#include "tools/common/record.h"
#include "tools/common/table.h"
#include "tools/profile/commands.h"
#include "tools/profile/findings.h"

namespace engine::tools {
namespace {

struct DoctorOptions {
  std::optional<std::string> algorithm_cache;
  std::optional<std::int64_t> threads;
  bool json = false;
};

std::int64_t integer(std::size_t number) {
  return static_cast<std::int64_t>(number);
}

Field text_or_null(const std::string& text) {
  return text.empty() ? Field(nullptr) : Field(text);
}

std::vector<Record> device_records(const Findings& findings) {
  std::vector<Record> records;
  for (const FoundDevice& device : findings.devices) {
    Record record;
    record.set("name", device.name).set("fingerprint", device.fingerprint);
    record.set("available_bytes", integer(device.available));
    records.push_back(record.set("why_not", text_or_null(device.why_not)));
  }
  return records;
}

void print_json(const Findings& findings) {
  std::vector<Record> libraries;
  for (const std::string& detail : findings.cuda.details) {
    Record record;
    libraries.push_back(record.set("version", detail));
  }
  Record record;
  record.set("engine", findings.version).set("plugin_abi", std::int64_t{findings.plugin_abi});
  record.set("devices", device_records(findings));
  const cpu::CpuFacts& cpu = findings.cpu;
  record.set("cpu", cpu.model).set("cpu_level", cpu.level);
  record.set("cpu_cores", std::int64_t{cpu.cores})
      .set("cpu_threads", std::int64_t{findings.threads});
  record.set("onednn", cpu.onednn).set("onednn_isa", cpu.onednn_isa);
  record.set("memory_bytes", integer(cpu.memory));
  record.set("cuda", findings.cuda.why_not.empty());
  record.set("cuda_devices", std::int64_t{findings.cuda.devices});
  record.set("cuda_plugin", text_or_null(findings.cuda.path));
  record.set("cuda_why_not", text_or_null(findings.cuda.why_not));
  record.set("cuda_libraries", libraries).set("auto", findings.automatic);
  const FoundCache& cache = findings.cache;
  record.set("algorithm_cache", cache.path).set("cache_exists", cache.exists);
  record.set("cache_writable", cache.writable).set("cache_why_not", text_or_null(cache.why_not));
  record.set("cache_records", integer(cache.records)).set("cache_bytes", integer(cache.bytes));
  record.set("cache_records_usable", integer(cache.usable));
  print_line(to_json(record.set("cache_lines_corrupt", integer(cache.corrupt))));
}

void add_cpu(Table& table, const Findings& findings) {
  const cpu::CpuFacts& cpu = findings.cpu;
  table.add({"cpu", cpu.model});
  table.add({"", fmt::format("{} threads for {} cores this process may use", findings.threads,
                             cpu.cores)});
  table.add({"", fmt::format("own kernels at {} (out of x86-64-v4, v3 and baseline)", cpu.level)});
  table.add({"", fmt::format("oneDNN {}, with {}", cpu.onednn, cpu.onednn_isa)});
  table.add(
      {"", fmt::format("{} of memory, {} available", human_bytes(static_cast<double>(cpu.memory)),
                       human_bytes(static_cast<double>(findings.devices[0].available)))});
}

void add_cuda(Table& table, const Findings& findings) {
  for (std::size_t i = 1; i < findings.devices.size(); ++i) {
    const FoundDevice& device = findings.devices[i];
    const bool usable = device.why_not.empty();
    table.add(
        {device.name, usable ? device.fingerprint : "cannot be used: " + one_line(device.why_not)});
    if (usable)
      table.add({"", human_bytes(static_cast<double>(device.available)) + " of memory available"});
  }
  if (!findings.cuda.path.empty()) table.add({"cuda", "plug-in " + one_line(findings.cuda.path)});
  for (const std::string& detail : findings.cuda.details) table.add({"cuda", one_line(detail)});
  if (!findings.cuda.why_not.empty())
    table.add({"cuda", "cannot be used: " + one_line(findings.cuda.why_not)});
}

void add_cache_state(Table& table, const FoundCache& cache) {
  if (cache.path.empty()) {
    table.add({"cache", "nowhere: no home folder ($HOME, $XDG_CACHE_HOME)"});
    return;
  }
  table.add({"cache", one_line(cache.path)});
  if (!cache.why_not.empty())
    table.add({"", "cannot be used: " + one_line(cache.why_not)});
  else if (!cache.exists)
    table.add({"", "not there yet: the first tuning makes it"});
  else
    table.add({"", fmt::format("{} records in {}, {} of them for these devices", cache.records,
                               human_bytes(static_cast<double>(cache.bytes)), cache.usable)});
  if (cache.corrupt > 0)
    table.add({"", fmt::format("{} corrupt lines: engine-profile cache verify", cache.corrupt)});
  if (!cache.writable) table.add({"", "cannot be written: tuning will not be saved"});
}

void print_text(const Findings& findings) {
  Table table({{""}, {""}});
  table.add(
      {"engine", fmt::format("{}, plug-in interface {}", findings.version, findings.plugin_abi)});
  add_cpu(table, findings);
  add_cuda(table, findings);
  table.add({"auto", "takes " + findings.automatic});
  add_cache_state(table, findings.cache);
  table.print();
}

}  // namespace

void add_doctor(CommandLine& line) {
  static DoctorOptions options;
  line.add("doctor", "Devices, libraries, versions: what will be used, and why not the rest",
           [] {
             const Findings findings =
                 examine(static_cast<int>(options.threads.value_or(0)), options.algorithm_cache);
             options.json ? print_json(findings) : print_text(findings);
             return 0;
           })
      .option("--algorithm-cache", options.algorithm_cache, "FILE",
              "where measured kernels are kept")
      .option("--threads", options.threads, "N", "CPU threads (default: one a core)")
      .flag("--json", options.json, "one JSON object");
}

}  // namespace engine::tools
