// What tuning found, kept across processes: a versioned JSON-lines file, one line a tuned problem
// with every candidate's figures, keyed by problem and device fingerprint, so that a new driver or
// library makes a miss and never a wrong hit.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace engine {

/// One configuration of one candidate, as tuning saw it.
struct CandidateResult {
  std::string candidate;
  std::string configuration = {};
  int version = 0;            ///< of the candidate
  double microseconds = 0;    ///< median
  double spread = 0;          ///< interquartile range, microseconds
  std::size_t workspace = 0;  ///< bytes
  bool deterministic = true;
  double error = 0;          ///< worst |err| / (eps * magnitude)
  std::string refusal = {};  ///< why it cannot win; empty when it could

  bool operator==(const CandidateResult&) const = default;
};

/// Everything known of one problem on one device.
struct TuningRecord {
  std::string problem;      ///< Problem::key()
  std::string fingerprint;  ///< Device::fingerprint()
  std::string engine;       ///< kVersion
  int chosen = -1;          ///< index into results
  std::vector<CandidateResult> results;

  bool operator==(const TuningRecord&) const = default;
};

/// One line of JSON without the newline, and back (an infinite error is written as null); parsing
/// throws DataError naming the field.
std::string to_json_line(const TuningRecord& record);
TuningRecord tuning_record_from_json(const std::string& line);

/// One line of a cache file, for those who look into it.
struct CacheLine {
  std::size_t number;                  ///< from 1; the header is line 1 and not among them
  std::optional<TuningRecord> record;  ///< of whatever engine version; empty when
  std::string fault;                   ///< this says why it cannot be read
};

/// Every line of the cache at `path`. Throws DataError for a file that is no cache, or is not
/// there, FileError for one that cannot be read.
std::vector<CacheLine> read_cache_lines(const std::string& path);
/// Removes the cache at `path` under its lock, and nothing else, and returns how many lines it
/// held. Throws as read_cache_lines() does: what is no cache stays.
std::size_t clear_cache(const std::string& path);

/// Replaces `path` by a cache of exactly `records`; of two with the same keys the later one counts.
/// Throws FileError: for what a result depends on, such as the choices of a run, where
/// AlgorithmCache would only warn.
void write_cache(const std::string& path, const std::vector<TuningRecord>& records);

class AlgorithmCache {
 public:
  enum class Access { read_write, read_only };

  /// In memory only.
  AlgorithmCache() = default;
  /// Backed by `path` (made on the first save). Corrupt lines are skipped with a warning each (the
  /// first three, then their count), lines of other engine versions silently; these stay in the
  /// file. A file that cannot be read or is something else, or a folder that cannot be written,
  /// gives one warning and an in-memory cache that leaves the file alone. An empty path is in
  /// memory only.
  explicit AlgorithmCache(const std::string& path, Access access = Access::read_write);

  /// $XDG_CACHE_HOME/engine/algorithms.jsonl, or ~/.cache/engine/algorithms.jsonl; empty without a
  /// home.
  static std::string default_path();

  std::optional<TuningRecord> find(const std::string& problem,
                                   const std::string& fingerprint) const;
  /// Remembers `record`, replacing an older one of the same keys, and saves: under a lock the file
  /// is read again, merged and replaced, so that two processes tuning at once lose nothing.
  void store(const TuningRecord& record);
  /// Forgets one record (a cached algorithm that now fails) and saves.
  void erase(const std::string& problem, const std::string& fingerprint);

  std::vector<TuningRecord> records() const;
  const std::string& path() const { return path_; }

 private:
  using Key = std::pair<std::string, std::string>;
  void save(const Key& changed);
  void write_merged(const Key& changed) const;

  std::string path_;
  Access access_ = Access::read_write;
  bool can_save_ = false;
  std::map<Key, TuningRecord> records_;
};

}  // namespace engine
