// engine-profile cache: what tuning has recorded on this machine, and whether it can still be used.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "engine/core/error.h"
#include "engine/core/version.h"
#include "engine/tune/algorithm_cache.h"
#include "tools/common/output.h"
#include "tools/common/table.h"
#include "tools/profile/algorithm_table.h"
#include "tools/profile/cache_check.h"
#include "tools/profile/commands.h"
#include "tools/profile/report_format.h"

namespace engine::tools {
namespace {

struct CacheOptions {
  std::string action;
  std::optional<std::string> key, algorithm_cache;
  std::optional<std::int64_t> threads;
  FormatOptions output;

  std::string path() const;
};

std::string CacheOptions::path() const {
  const std::string path = algorithm_cache.value_or(AlgorithmCache::default_path());
  if (path.empty())
    throw UsageError("there is no home folder to hold a cache; --algorithm-cache FILE names one");
  return path;
}

// The cache of the machine need not exist yet; one that was asked for must.
bool is_new(const CacheOptions& options, const std::string& path) {
  std::error_code error;
  return !options.algorithm_cache && !std::filesystem::exists(path, error);
}

std::vector<TuningRecord> read_records(const CacheOptions& options) {
  std::vector<TuningRecord> records;
  const std::string path = options.path();
  if (is_new(options, path)) return records;
  for (CacheLine& line : read_cache_lines(path))
    if (line.record) records.push_back(std::move(*line.record));
  return records;
}

const CandidateResult& choice(const TuningRecord& record) {
  return record.results.at(static_cast<std::size_t>(record.chosen));
}

std::size_t timed_candidates(const TuningRecord& record) {
  return static_cast<std::size_t>(std::count_if(
      record.results.begin(), record.results.end(),
      [](const auto& result) { return result.refusal.empty() && result.microseconds > 0; }));
}

Record list_record(const TuningRecord& record) {
  const CandidateResult& chosen = choice(record);
  Record row;
  row.set("problem", record.problem).set("device", record.fingerprint);
  row.set("engine", record.engine).set("candidate", chosen.candidate);
  row.set("config", chosen.configuration).set("microseconds", chosen.microseconds);
  row.set("spread", chosen.spread);
  row.set("candidates", static_cast<std::int64_t>(record.results.size()));
  return row.set("timed", static_cast<std::int64_t>(timed_candidates(record)));
}

std::string device_of(const TuningRecord& record) {
  return record.engine == kVersion ? record.fingerprint
                                   : record.fingerprint + " · engine " + record.engine;
}

// Devices as headings: their names are long, and few.
void list_table(const std::vector<TuningRecord>& records) {
  using enum Table::Align;
  std::map<std::string, std::vector<const TuningRecord*>> devices;
  for (const TuningRecord& record : records) devices[device_of(record)].push_back(&record);
  Table table({{"µs", right}, {"chosen", left}, {"of", right}, {"problem", left}});
  for (const auto& [device, of_device] : devices)
    for (const TuningRecord* record : of_device)
      table.add({fmt::format("{:.1f}", choice(*record).microseconds),
                 algorithm_name(choice(*record)), fmt::format("{}", record->results.size()),
                 one_line(record->problem)});
  const std::vector<std::string> lines = table.lines();
  print_line(lines[0]);
  print_line(lines[1]);
  std::size_t next = 2;
  for (const auto& [device, of_device] : devices) {
    print_line(one_line(device));
    for (std::size_t i = 0; i < of_device.size(); ++i) print_line(lines.at(next++));
  }
}

int print_list(const std::vector<TuningRecord>& records, Format format) {
  if (format == Format::table) {
    list_table(records);
    return 0;
  }
  std::vector<Record> rows;
  for (const TuningRecord& record : records) rows.push_back(list_record(record));
  print_rows(format, rows);
  return 0;
}

int list(const CacheOptions& options) {
  const std::vector<TuningRecord> records = read_records(options);
  const Format format = options.output.format();
  print_list(records, format);
  if (format == Format::table)
    print_line(fmt::format("\n{} problems in {} · of: how many configurations were considered",
                           records.size(), one_line(options.path())));
  return 0;
}

// Records whose keys hold the text, or only those whose key it is.
std::vector<TuningRecord> matching(const CacheOptions& options, const std::string& key) {
  std::vector<TuningRecord> exact, partial;
  for (TuningRecord& record : read_records(options)) {
    if (record.problem == key) exact.push_back(record);
    if (record.problem.find(key) != std::string::npos) partial.push_back(std::move(record));
  }
  if (partial.empty())
    throw UsageError(fmt::format("cache show {}: no key in {} holds that; list prints them all",
                                 key, options.path()));
  return exact.empty() ? partial : exact;
}

std::vector<AlgorithmRow> rows_of(const TuningRecord& record) {
  return algorithm_rows(record.results, choice(record).candidate, choice(record).configuration);
}

void print_candidates(const std::vector<TuningRecord>& records) {
  std::vector<AlgorithmSection> sections;
  for (const TuningRecord& record : records)
    sections.push_back({{record.problem, "  " + device_of(record)}, rows_of(record)});
  print_algorithms(sections);
}

int show(const CacheOptions& options) {
  if (!options.key) throw UsageError("cache show: KEY is missing; it is a part of a problem's key");
  const Format format = options.output.format();
  const std::vector<TuningRecord> records = matching(options, *options.key);
  const bool is_one = std::all_of(records.begin(), records.end(), [&](const auto& record) {
    return record.problem == records.front().problem;
  });
  if (format == Format::table) {
    if (is_one) {
      print_candidates(records);
    } else {
      print_list(records, format);
      print_line(fmt::format("\n{} keys hold '{}': give more of one to see its candidates",
                             records.size(), one_line(*options.key)));
    }
    return 0;
  }
  std::vector<Record> rows;
  for (const TuningRecord& record : records)
    for (const AlgorithmRow& row : rows_of(record)) {
      Record line;
      line.set("problem", record.problem).set("device", record.fingerprint);
      line.set("engine", record.engine).set("version", std::int64_t{row.result.version});
      set_algorithm(line, row);
      rows.push_back(std::move(line));
    }
  print_rows(format, rows);
  return 0;
}

int clear(const CacheOptions& options) {
  const std::string path = options.path();
  const std::size_t count = is_new(options, path) ? 0 : clear_cache(path);
  Record row;
  row.set("algorithm_cache", path).set("removed", static_cast<std::int64_t>(count));
  const Format format = options.output.format();
  if (format == Format::table)
    print_line(fmt::format("{} records removed: {}", count, one_line(path)));
  else
    print_rows(format, {row});
  return 0;
}

int verify(const CacheOptions& options) {
  const std::string path = options.path();
  const Format format = options.output.format();
  std::vector<CacheLine> lines;
  if (!is_new(options, path)) lines = read_cache_lines(path);
  return print_check(check_cache(lines, static_cast<int>(options.threads.value_or(0))), path,
                     format);
}

int run(const CacheOptions& options) {
  options.output.format();  // a wrong one is said before anything is done
  if (options.key && options.action != "show")
    throw UsageError(
        fmt::format("cache {} takes no KEY, it was given '{}'", options.action, *options.key));
  if (options.action == "list") return list(options);
  if (options.action == "show") return show(options);
  if (options.action == "clear") return clear(options);
  if (options.action == "verify") return verify(options);
  throw UsageError(fmt::format("cache {}: expected list, show, clear or verify", options.action));
}

}  // namespace

void add_cache(CommandLine& line) {
  static CacheOptions options;
  Command& command =
      line.add("cache", "What tuning has recorded: list, show KEY, clear, verify",
               [] { return run(options); })
          .argument("ACTION", options.action,
                    "list: every problem; show: the candidates of one; clear: remove the file; "
                    "verify: is it whole, and of use here (exit status 1 when a line is corrupt)")
          .argument("KEY", options.key,
                    "for show: a part of the problem's key (json and csv print all that match)")
          .option("--algorithm-cache", options.algorithm_cache, "FILE",
                  "the cache (default: the one of this user)")
          .option("--threads", options.threads, "N",
                  "for verify: CPU threads (default: one a core)");
  options.output.declare(command);
}

}  // namespace engine::tools
