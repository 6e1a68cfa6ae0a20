// Chooses the kernel for a problem: a cache hit, or every configuration of every candidate is
// checked against the reference, timed in the regime that will run, and the best one kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/tune/algorithm_cache.h"
#include "engine/tune/candidate.h"
#include "engine/tune/registry.h"

namespace engine {

class Workbench;

enum class Autotune {
  off,     ///< the first applicable candidate, in the order of registration
  find,    ///< time all that apply
  locked,  ///< recorded choices only; a miss is an error
};
/// Throws UsageError for anything but "off", "find" and "locked".
Autotune autotune_from_name(const std::string& name);

struct TunerOptions {
  Autotune mode = Autotune::find;
  /// Alternatives split by '|', matched as substrings of "<candidate>/<configuration>"; a leading
  /// '-' excludes instead: "winograd|cudnn", "-winograd". Empty: all. The user's narrowing never
  /// leaves a problem without a kernel: where it excludes every candidate it is ignored for that
  /// problem, with a warning for the first one of each op.
  std::string candidates = {};
  /// Bytes; configurations that need more are refused with a reason.
  std::size_t workspace_limit = SIZE_MAX;
  /// Called before each configuration is timed: problem key, configuration id, done, total.
  std::function<void(const std::string&, const std::string&, int, int)> progress = {};
};

/// A choice made: the kernel to launch and how it was found.
struct Choice {
  std::unique_ptr<Kernel> kernel;
  std::string candidate;
  std::string configuration;
  std::size_t workspace = 0;
  bool from_cache = false;
};

class Tuner {
 public:
  Tuner(Device& device, AlgorithmCache& cache, TunerOptions options,
        const CandidateRegistry& registry = CandidateRegistry::global());

  /// Throws UsageError when no candidate supports the problem (every refusal is in the message),
  /// and in locked mode when the cache has no usable record of it. A cached algorithm that is gone,
  /// refuses or fails to prepare is dropped from the cache and the problem is tuned anew.
  Choice choose(const Problem& problem);

  /// How every configuration of every candidate answers `problem`, untimed and in the order of
  /// registration, with the reasons of those that refuse: for a problem without a record.
  std::vector<CandidateResult> answers(const Problem& problem) const;

  /// The record behind each distinct problem chosen so far, in order: what a run folder stores. A
  /// problem that only one configuration can solve needs no choice, and has no record.
  const std::vector<TuningRecord>& records() const { return records_; }
  double seconds_spent() const { return seconds_; }  ///< in tuning, not counting cache hits
  int problems_tuned() const { return tuned_; }      ///< by timing; 0 on a warm start

 private:
  struct Entrant;
  using Entrants = std::vector<Entrant>;
  Entrants enter(const Problem& problem) const;
  void limit_workspace(Entrants& entrants) const;
  void narrow(const Problem& problem, Entrants& entrants);
  bool readmit(const Problem& problem, Entrants& entrants);
  Choice first_applicable(const Problem& problem, Entrants& entrants, bool keep_record);
  std::optional<Choice> recall(const Problem& problem, Entrants& entrants);
  Choice tune(const Problem& problem, Entrants& entrants);
  void check(const Problem& problem, Entrants& entrants, Workbench& bench) const;
  void time(Entrants& entrants, Workbench& bench, Stream& stream) const;
  TuningRecord make_record(const Problem& problem, const Entrants& entrants, int chosen) const;
  void remember(const TuningRecord& record);

  Device& device_;
  std::string fingerprint_;
  AlgorithmCache& cache_;
  TunerOptions options_;
  const CandidateRegistry& registry_;
  std::vector<TuningRecord> records_;
  std::set<std::string> warned_;  // ops of problems whose narrowing was ignored
  double seconds_ = 0;
  int tuned_ = 0;
};

}  // namespace engine
