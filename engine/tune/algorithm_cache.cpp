// The file: a header line {"engine-algorithm-cache":1}, then one JSON object a line, sorted by
// problem and fingerprint so that two files can be compared with diff. It is replaced whole, under
// a lock on a file beside it (the cache itself cannot carry the lock: each replacement is a new
// file).
#include "engine/tune/algorithm_cache.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <string_view>

#include "engine/core/cache_folder.h"
#include "engine/core/error.h"
#include "engine/core/file.h"
#include "engine/core/log.h"
#include "engine/core/version.h"

namespace engine {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kHeader = R"({"engine-algorithm-cache":1})";
constexpr std::uint64_t kFileLimit = std::uint64_t{256} << 20;
constexpr std::size_t kLineLimit = std::size_t{1} << 20;
constexpr std::size_t kResultLimit = 10'000;
constexpr double kMicrosecondsLimit = 1e12;  // eleven days
constexpr std::int64_t kWorkspaceLimit = std::int64_t{1} << 48;
constexpr int kWarningLimit = 3;

const Json& field(const Json& object, const char* name) {
  const auto place = object.find(name);
  if (place == object.end()) throw DataError(fmt::format("field '{}' is missing", name));
  return *place;
}

[[noreturn]] void fail_type(const char* name, const char* expected) {
  throw DataError(fmt::format("field '{}' is not {}", name, expected));
}

std::string text(const Json& object, const char* name) {
  const Json& value = field(object, name);
  if (!value.is_string()) fail_type(name, "a string");
  return value.get<std::string>();
}

bool flag(const Json& object, const char* name) {
  const Json& value = field(object, name);
  if (!value.is_boolean()) fail_type(name, "true or false");
  return value.get<bool>();
}

// An integer in [0, limit].
std::int64_t integer(const Json& object, const char* name, std::int64_t limit) {
  const Json& value = field(object, name);
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() > static_cast<std::uint64_t>(limit))
    fail_type(name, fmt::format("an integer from 0 to {}", limit).c_str());
  return value.get<std::int64_t>();
}

// A number in [0, limit].
double number(const Json& object, const char* name, double limit) {
  const Json& value = field(object, name);
  if (!value.is_number()) fail_type(name, "a number");
  const double result = value.get<double>();
  if (!(result >= 0 && result <= limit))
    fail_type(name, fmt::format("from 0 to {}", limit).c_str());
  return result;
}

std::string text_or_null(const Json& object, const char* name) {
  return field(object, name).is_null() ? std::string() : text(object, name);
}

double number_or_infinity(const Json& object, const char* name) {
  if (field(object, name).is_null()) return std::numeric_limits<double>::infinity();
  return number(object, name, std::numeric_limits<double>::max());
}

Json to_json(const CandidateResult& result) {
  return {{"candidate", result.candidate},
          {"configuration", result.configuration},
          {"version", result.version},
          {"microseconds", result.microseconds},
          {"spread", result.spread},
          {"workspace", result.workspace},
          {"deterministic", result.deterministic},
          {"error", std::isfinite(result.error) ? Json(result.error) : Json(nullptr)},
          {"refusal", result.refusal.empty() ? Json(nullptr) : Json(result.refusal)}};
}

CandidateResult result_from_json(const Json& json) {
  if (!json.is_object()) throw DataError("field 'results' holds something that is not an object");
  CandidateResult result;
  result.candidate = text(json, "candidate");
  result.configuration = text(json, "configuration");
  result.version = static_cast<int>(integer(json, "version", std::numeric_limits<int>::max()));
  result.microseconds = number(json, "microseconds", kMicrosecondsLimit);
  result.spread = number(json, "spread", kMicrosecondsLimit);
  result.workspace = static_cast<std::size_t>(integer(json, "workspace", kWorkspaceLimit));
  result.deterministic = flag(json, "deterministic");
  result.error = number_or_infinity(json, "error");
  result.refusal = text_or_null(json, "refusal");
  return result;
}

Json parse_object(std::string_view line) {
  if (line.size() > kLineLimit)
    throw DataError(fmt::format("{} bytes, at most {} are accepted", line.size(), kLineLimit));
  Json json = Json::parse(line, nullptr, false);
  if (!json.is_object()) throw DataError("not a JSON object");
  return json;
}

TuningRecord record_from_json(const Json& json) {
  TuningRecord record;
  record.problem = text(json, "problem");
  record.fingerprint = text(json, "fingerprint");
  record.engine = text(json, "engine");
  const Json& results = field(json, "results");
  if (!results.is_array() || results.empty() || results.size() > kResultLimit)
    fail_type("results", fmt::format("an array of 1 to {} objects", kResultLimit).c_str());
  for (const Json& result : results) record.results.push_back(result_from_json(result));
  const auto last = static_cast<std::int64_t>(results.size()) - 1;
  record.chosen = static_cast<int>(integer(json, "chosen", last));
  if (!record.results[static_cast<std::size_t>(record.chosen)].refusal.empty())
    throw DataError("field 'chosen' names a refused candidate");
  return record;
}

// What a file holds. Lines of other engines are kept as they are: their owners may come back.
struct Content {
  std::vector<TuningRecord> records;
  std::vector<std::string> foreign;
};

using Complain = std::function<void(std::size_t line, const std::string& why)>;

void add_line(Content& content, std::string_view line) {
  const Json json = parse_object(line);
  if (text(json, "engine") == kVersion)
    content.records.push_back(record_from_json(json));
  else
    content.foreign.emplace_back(line);
}

using TakeLine = std::function<void(std::size_t number, std::string_view line)>;

// Hands out every line behind the header. Throws DataError for a file that is no cache, and must
// then not be replaced either.
void read_lines(const std::string& path, const TakeLine& take) {
  const std::string bytes = read_file(path, kFileLimit);
  std::string_view rest = bytes;
  for (std::size_t number = 1; !rest.empty(); ++number) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    if (number > 1)
      take(number, line);
    else if (line != kHeader)
      throw DataError(fmt::format("{}: does not begin with {}; it is not used", path, kHeader));
  }
}

Content read_content(const std::string& path, const Complain& complain) {
  Content content;
  read_lines(path, [&](std::size_t number, std::string_view line) {
    try {
      add_line(content, line);
    } catch (const DataError& failure) {
      complain(number, failure.what());
    }
  });
  return content;
}

using Key = std::pair<std::string, std::string>;

// Sorted by key, then the lines of other engines.
void write_file(const std::string& path, const std::map<Key, const TuningRecord*>& records,
                const std::vector<std::string>& foreign) {
  replace_file(path, [&](FileWriter& file) {
    file.write(std::string(kHeader) + '\n');
    for (const auto& [key, record] : records) file.write(to_json_line(*record) + '\n');
    for (const std::string& line : foreign) file.write(line + '\n');
  });
}

std::string lock_path(const std::string& path) {
  return path + ".lock";
}

bool exists(const std::string& path) {
  std::error_code error;
  return std::filesystem::exists(path, error);
}

}  // namespace

std::string to_json_line(const TuningRecord& record) {
  Json results = Json::array();
  for (const CandidateResult& result : record.results) results.push_back(to_json(result));
  const Json json = {{"problem", record.problem},
                     {"fingerprint", record.fingerprint},
                     {"engine", record.engine},
                     {"chosen", record.chosen},
                     {"results", std::move(results)}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

TuningRecord tuning_record_from_json(const std::string& line) {
  return record_from_json(parse_object(line));
}

std::vector<CacheLine> read_cache_lines(const std::string& path) {
  if (!exists(path)) throw DataError(path + ": there is no such algorithm cache");
  std::vector<CacheLine> lines;
  read_lines(path, [&](std::size_t number, std::string_view line) {
    CacheLine entry{number, {}, {}};
    try {
      entry.record = record_from_json(parse_object(line));
    } catch (const DataError& failure) {
      entry.fault = failure.what();
    }
    lines.push_back(std::move(entry));
  });
  return lines;
}

std::size_t clear_cache(const std::string& path) {
  if (!exists(path)) throw DataError(path + ": there is no such algorithm cache");
  const FileLock lock(lock_path(path));
  const std::size_t count = read_cache_lines(path).size();
  std::error_code error;
  if (!std::filesystem::remove(path, error) && error)
    throw FileError(fmt::format("{}: cannot be removed: {}", path, error.message()));
  return count;
}

void write_cache(const std::string& path, const std::vector<TuningRecord>& records) {
  std::map<Key, const TuningRecord*> sorted;
  for (const TuningRecord& record : records) sorted[{record.problem, record.fingerprint}] = &record;
  write_file(path, sorted, {});
}

AlgorithmCache::AlgorithmCache(const std::string& path, Access access)
    : path_(path), access_(access), can_save_(access == Access::read_write && !path.empty()) {
  if (!exists(path)) return;
  int corrupt = 0;
  const Complain complain = [&](std::size_t line, const std::string& why) {
    if (++corrupt <= kWarningLimit)
      log::warning(fmt::format("{}:{}: skipped: {}", path, line, why));
  };
  try {
    for (TuningRecord& record : read_content(path, complain).records)
      records_.insert_or_assign(Key(record.problem, record.fingerprint), std::move(record));
  } catch (const Error& failure) {
    can_save_ = false;
    log::warning(fmt::format("the algorithm cache is not used: {}", failure.what()));
  }
  if (corrupt > kWarningLimit)
    log::warning(
        fmt::format("{}: {} more corrupt lines were skipped", path, corrupt - kWarningLimit));
}

std::string AlgorithmCache::default_path() {
  const std::string folder = cache_folder();
  return folder.empty() ? "" : folder + "/algorithms.jsonl";
}

std::optional<TuningRecord> AlgorithmCache::find(const std::string& problem,
                                                 const std::string& fingerprint) const {
  const auto place = records_.find({problem, fingerprint});
  if (place == records_.end()) return std::nullopt;
  return place->second;
}

void AlgorithmCache::store(const TuningRecord& record) {
  const Key key(record.problem, record.fingerprint);
  records_.insert_or_assign(key, record);
  save(key);
}

void AlgorithmCache::erase(const std::string& problem, const std::string& fingerprint) {
  const Key key(problem, fingerprint);
  if (records_.erase(key) > 0) save(key);
}

std::vector<TuningRecord> AlgorithmCache::records() const {
  std::vector<TuningRecord> records;
  for (const auto& [key, record] : records_) records.push_back(record);
  return records;
}

void AlgorithmCache::save(const Key& changed) {
  if (!can_save_) return;
  try {
    if (const auto folder = std::filesystem::path(path_).parent_path(); !folder.empty())
      make_folder(folder.string());
    const FileLock lock(lock_path(path_));
    write_merged(changed);
  } catch (const Error& failure) {
    can_save_ = false;
    log::warning(fmt::format("tuning results are not saved: {}", failure.what()));
  }
}

// Only the changed key is taken from memory: for all others the file may be newer.
void AlgorithmCache::write_merged(const Key& changed) const {
  Content content;
  if (exists(path_)) content = read_content(path_, [](std::size_t, const std::string&) {});
  std::map<Key, const TuningRecord*> merged;
  for (const TuningRecord& record : content.records)
    merged[{record.problem, record.fingerprint}] = &record;
  merged.erase(changed);
  if (const auto mine = records_.find(changed); mine != records_.end())
    merged[changed] = &mine->second;

  write_file(path_, merged, content.foreign);
}

}  // namespace engine
