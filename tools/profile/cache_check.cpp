#include "tools/profile/cache_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "engine/core/version.h"
#include "engine/device/backend.h"
#include "engine/tune/registry.h"
#include "engine/tune/timing.h"
#include "ops/registry.h"
#include "tools/common/output.h"
#include "tools/common/table.h"
#include "tools/profile/algorithm_rows.h"

namespace engine::tools {
namespace {

// Back ends by the fingerprints of their devices.
std::map<std::string, std::string> find_devices(int threads) {
  initialize();
  std::map<std::string, std::string> devices;
  const auto add = [&](const std::string& name) {
    // A device that cannot be opened has no records of use.
    static_cast<void>(failure_of([&] {
      const std::unique_ptr<Device> device = open_device(name, threads);
      devices.emplace(device->fingerprint(), device->backend());
    }));
  };
  add("cpu");
  for (int i = 0; i < load_backend("cuda").devices; ++i) add(fmt::format("cuda:{}", i));
  return devices;
}

// Why the tuner would not take the record, or "": its choice must still be there, and every
// candidate that there is today must be in it.
std::string why_stale(const TuningRecord& record, const std::string& backend) {
  const CandidateResult& chosen = record.results.at(static_cast<std::size_t>(record.chosen));
  bool is_offered = false;
  for (const auto* candidate :
       CandidateRegistry::global().find(problem_op(record.problem), backend)) {
    is_offered = is_offered || candidate->id() == chosen.candidate;
    int recorded = -1;
    for (const CandidateResult& result : record.results) {
      if (result.candidate == candidate->id()) recorded = result.version;
      if (recorded == candidate->version()) break;
    }
    if (recorded < 0) return fmt::format("candidate '{}' is new", candidate->id());
    if (recorded != candidate->version())
      return fmt::format("candidate '{}' is of version {} now, the record of version {}",
                         candidate->id(), candidate->version(), recorded);
  }
  return is_offered ? ""
                    : fmt::format("the chosen candidate '{}' is no longer there", chosen.candidate);
}

CheckedLine check(const CacheLine& line, const std::map<std::string, std::string>& devices) {
  if (!line.record) return {line.number, CacheLineState::corrupt, "", "", line.fault};
  const TuningRecord& record = *line.record;
  CheckedLine checked{line.number, CacheLineState::usable, record.problem, record.fingerprint, ""};
  const auto device = devices.find(record.fingerprint);
  if (record.engine != kVersion) {
    checked.state = CacheLineState::other_engine;
    checked.why = fmt::format("recorded by engine {}, this is {}", record.engine, kVersion);
  } else if (device == devices.end()) {
    checked.state = CacheLineState::other_device;
    checked.why = "recorded on another device: " + record.fingerprint;
  } else if (checked.why = why_stale(record, device->second); !checked.why.empty()) {
    checked.state = CacheLineState::stale;
  }
  return checked;
}

Record to_record(const CheckedLine& line) {
  Record record;
  record.set("line", static_cast<std::int64_t>(line.number)).set("state", state_name(line.state));
  record.set("problem", line.problem).set("device", line.device);
  return record.set("why", line.why.empty() ? Field(nullptr) : Field(line.why));
}

void print_table(const std::vector<CheckedLine>& lines, const std::string& path) {
  std::map<CacheLineState, int> counts;
  Table table({{"line", Table::Align::right}, {"state"}, {"why"}});
  for (const CheckedLine& line : lines) {
    ++counts[line.state];
    if (line.state != CacheLineState::usable)
      table.add({fmt::format("{}", line.number), state_name(line.state), one_line(line.why)});
  }
  if (counts[CacheLineState::usable] < static_cast<int>(lines.size())) {
    table.print();
    print_line("");
  }
  std::string summary = fmt::format("{}: {} records", one_line(path), lines.size());
  for (const auto& [state, count] : counts)
    if (count > 0) summary += fmt::format(", {} {}", count, state_name(state));
  print_line(summary);
}

}  // namespace

const char* state_name(CacheLineState state) {
  switch (state) {
    case CacheLineState::usable:
      return "usable";
    case CacheLineState::stale:
      return "stale";
    case CacheLineState::other_device:
      return "other device";
    case CacheLineState::other_engine:
      return "other engine";
    case CacheLineState::corrupt:
      return "corrupt";
  }
  return "?";
}

std::vector<CheckedLine> check_cache(const std::vector<CacheLine>& lines, int threads) {
  const std::map<std::string, std::string> devices = find_devices(threads);
  std::vector<CheckedLine> checked;
  for (const CacheLine& line : lines) checked.push_back(check(line, devices));
  return checked;
}

int print_check(const std::vector<CheckedLine>& lines, const std::string& path, Format format) {
  if (format == Format::table) {
    print_table(lines, path);
  } else {
    std::vector<Record> rows;
    for (const CheckedLine& line : lines) rows.push_back(to_record(line));
    print_rows(format, rows);
  }
  const bool is_whole = std::none_of(lines.begin(), lines.end(), [](const CheckedLine& line) {
    return line.state == CacheLineState::corrupt;
  });
  return is_whole ? 0 : 1;
}

}  // namespace engine::tools
