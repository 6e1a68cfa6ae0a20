// One problem's way to a kernel: all configurations enter; options put some aside; the cache may
// know the rest; otherwise the rest is checked, timed, and the best within the noise is chosen.
#include "engine/tune/tuner.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <tuple>
#include <utility>

#include "engine/core/error.h"
#include "engine/core/log.h"
#include "engine/core/version.h"
#include "engine/tune/candidate_pattern.h"
#include "engine/tune/timing.h"
#include "engine/tune/workbench.h"

namespace engine {
namespace {

// Opens the refusals that are the options' doing. Such an entrant has no figures, so that a record
// made under a narrower choice does not answer for a wider one.
constexpr std::string_view kNotTried = "not tried: ";

bool is_tried(const CandidateResult& result) {
  return !result.refusal.starts_with(kNotTried);
}

bool same_kernel(const CandidateResult& a, const CandidateResult& b) {
  return a.candidate == b.candidate && a.configuration == b.configuration && a.version == b.version;
}

std::string label(const CandidateResult& result) {
  return result.configuration.empty() ? result.candidate
                                      : result.candidate + '/' + result.configuration;
}

// Puts the figures of `record` in place of results that are not refused. False when one has none.
bool fill_in(std::vector<CandidateResult>& results, const TuningRecord& record) {
  bool is_complete = true;
  for (CandidateResult& result : results) {
    if (!result.refusal.empty()) continue;
    const auto known = std::find_if(record.results.begin(), record.results.end(),
                                    [&](const CandidateResult& other) {
                                      return same_kernel(other, result) && is_tried(other);
                                    });
    if (known != record.results.end())
      result = *known;
    else
      is_complete = false;
  }
  return is_complete;
}

// The index of the best result, -1 when all are refused. Medians closer to the fastest than its
// noise (half its interquartile range, but 2% at least and 5% at most: on a busy machine that range
// says nothing of the kernels) count as equal; among equals the deterministic one goes first, then
// the smallest workspace, then the faster one.
int select(const std::vector<CandidateResult>& results) {
  const CandidateResult* fastest = nullptr;
  for (const CandidateResult& result : results)
    if (result.refusal.empty() && (!fastest || result.microseconds < fastest->microseconds))
      fastest = &result;
  if (fastest == nullptr) return -1;
  const double limit =
      fastest->microseconds +
      std::clamp(fastest->spread / 2, 0.02 * fastest->microseconds, 0.05 * fastest->microseconds);

  const auto rank = [](const CandidateResult& result) {
    return std::tuple(!result.deterministic, result.workspace, result.microseconds);
  };
  const CandidateResult* best = fastest;
  for (const CandidateResult& result : results)
    if (result.refusal.empty() && result.microseconds <= limit && rank(result) < rank(*best))
      best = &result;
  return static_cast<int>(best - results.data());
}

}  // namespace

Autotune autotune_from_name(const std::string& name) {
  if (name == "off") return Autotune::off;
  if (name == "find") return Autotune::find;
  if (name == "locked") return Autotune::locked;
  throw UsageError("autotune '" + name + "' is unknown; expected off, find or locked");
}

// A configuration in the running, or a candidate that has none. It is open until something refuses
// it.
struct Tuner::Entrant {
  const KernelCandidate* candidate;
  Configuration configuration;
  CandidateResult result;
  std::unique_ptr<Kernel> kernel = nullptr;
  bool excluded = false;     // by the user's pattern
  bool above_limit = false;  // of workspace

  bool is_open() const { return result.refusal.empty(); }
  std::string prepare(const Problem& problem, Device& device) {
    return failure_of([&] { kernel = candidate->prepare(problem, configuration, device); });
  }
  Choice take(bool from_cache) {
    return {std::move(kernel), result.candidate, result.configuration, configuration.workspace,
            from_cache};
  }

  // Of those that only the limit keeps out; nullptr without any.
  static const Entrant* least_above_limit(const Entrants& entrants) {
    const Entrant* least = nullptr;
    for (const Entrant& entrant : entrants)
      if (entrant.above_limit &&
          (!least || entrant.configuration.workspace < least->configuration.workspace))
        least = &entrant;
    return least;
  }

  static auto count_open(const Entrants& entrants) {
    return std::count_if(entrants.begin(), entrants.end(), std::mem_fn(&Entrant::is_open));
  }
  static UsageError nobody_left(const Problem& problem, const Entrants& entrants) {
    const Entrant* least = least_above_limit(entrants);
    if (least != nullptr)
      return UsageError(
          fmt::format("the workspace limit leaves no kernel for '{}': {} needs the least, {} bytes",
                      problem.key(), label(least->result), least->configuration.workspace));
    std::string message = "no kernel for '" + problem.key() + "':";
    if (entrants.empty()) message += " no candidate is registered";
    for (const Entrant& entrant : entrants)
      message += fmt::format("{} {}: {}", &entrant == entrants.data() ? "" : ";",
                             label(entrant.result), entrant.result.refusal);
    return UsageError(message);
  }
};

Tuner::Tuner(Device& device, AlgorithmCache& cache, TunerOptions options,
             const CandidateRegistry& registry)
    : device_(device),
      fingerprint_(device.fingerprint()),
      cache_(cache),
      options_(std::move(options)),
      registry_(registry) {}

Choice Tuner::choose(const Problem& problem) {
  Entrants entrants = enter(problem);
  const auto supporting = Entrant::count_open(entrants);
  limit_workspace(entrants);
  if (supporting > 1) narrow(problem, entrants);
  if (Entrant::count_open(entrants) == 0) throw Entrant::nobody_left(problem, entrants);
  if (supporting == 1 || options_.mode == Autotune::off)
    return first_applicable(problem, entrants, supporting > 1);
  if (std::optional<Choice> choice = recall(problem, entrants)) return std::move(*choice);
  if (options_.mode == Autotune::locked)
    throw UsageError(
        fmt::format("autotune is locked, and there is no usable record for '{}' on '{}'",
                    problem.key(), fingerprint_));
  return tune(problem, entrants);
}

std::vector<CandidateResult> Tuner::answers(const Problem& problem) const {
  Entrants entrants = enter(problem);
  limit_workspace(entrants);
  return make_record(problem, entrants, -1).results;
}

Tuner::Entrants Tuner::enter(const Problem& problem) const {
  Entrants entrants;
  for (const KernelCandidate* candidate : registry_.find(problem.op, device_.backend())) {
    CandidateResult result;
    result.candidate = candidate->id();
    result.version = candidate->version();
    Support support;
    const std::string failure = failure_of([&] { support = candidate->query(problem, device_); });
    if (!failure.empty()) support = Support::refuse(failure);
    if (support.configurations.empty()) {
      result.refusal = support.refusal.empty() ? "refused without a reason" : support.refusal;
      entrants.push_back({candidate, {}, std::move(result)});
      continue;
    }
    for (Configuration& configuration : support.configurations) {
      result.configuration = configuration.name;
      result.workspace = configuration.workspace;
      result.deterministic = configuration.deterministic;
      result.refusal =
          problem.deterministic && !configuration.deterministic ? "not deterministic" : "";
      entrants.push_back({candidate, std::move(configuration), result});
    }
  }
  return entrants;
}

void Tuner::limit_workspace(Entrants& entrants) const {
  for (Entrant& entrant : entrants) {
    if (!entrant.is_open() || entrant.configuration.workspace <= options_.workspace_limit) continue;
    entrant.above_limit = true;
    entrant.result.refusal = fmt::format("{}needs {} bytes of workspace, limit {}", kNotTried,
                                         entrant.configuration.workspace, options_.workspace_limit);
  }
}

void Tuner::narrow(const Problem& problem, Entrants& entrants) {
  const CandidatePattern pattern(options_.candidates);
  const bool had_any = Entrant::count_open(entrants) > 0;
  for (Entrant& entrant : entrants) {
    if (!entrant.is_open() || pattern.accepts(label(entrant.result))) continue;
    entrant.excluded = true;
    entrant.result.refusal =
        fmt::format("{}excluded by the pattern '{}'", kNotTried, options_.candidates);
  }
  if (had_any && Entrant::count_open(entrants) == 0) readmit(problem, entrants);
}

// Ignores the pattern for this problem. False when it had excluded nobody.
bool Tuner::readmit(const Problem& problem, Entrants& entrants) {
  bool any = false;
  for (Entrant& entrant : entrants) {
    if (!std::exchange(entrant.excluded, false)) continue;
    entrant.result.refusal.clear();
    any = true;
  }
  if (any && warned_.insert(problem.op).second)
    log::warning(fmt::format(
        "the candidates '{}' leave no kernel for '{}': all are admitted there, and where else that "
        "happens to {}",
        options_.candidates, problem.key(), problem.op));
  return any;
}

Choice Tuner::first_applicable(const Problem& problem, Entrants& entrants, bool keep_record) {
  do {
    for (Entrant& entrant : entrants) {
      if (!entrant.is_open()) continue;
      entrant.result.refusal = entrant.prepare(problem, device_);
      if (!entrant.is_open()) continue;
      const auto index = static_cast<int>(&entrant - entrants.data());
      if (keep_record) remember(make_record(problem, entrants, index));
      return entrant.take(false);
    }
  } while (readmit(problem, entrants));
  throw Entrant::nobody_left(problem, entrants);
}

// What the cache knows, if that settles the matter: the recorded choice where it is still offered
// and admitted, else the best of the figures; nothing when a configuration in the running has no
// figures.
std::optional<Choice> Tuner::recall(const Problem& problem, Entrants& entrants) {
  const std::optional<TuningRecord> record = cache_.find(problem.key(), fingerprint_);
  if (!record) return std::nullopt;
  const bool locked = options_.mode == Autotune::locked;
  const CandidateResult& recorded = record->results.at(static_cast<std::size_t>(record->chosen));
  const auto drop = [&](const std::string& why) {
    log::warning(fmt::format("recorded algorithm {} of '{}' cannot be used: {}", label(recorded),
                             problem.key(), why));
    if (!locked) cache_.erase(record->problem, record->fingerprint);
    return std::nullopt;
  };

  auto winner = std::find_if(entrants.begin(), entrants.end(), [&](const Entrant& entrant) {
    return same_kernel(entrant.result, recorded);
  });
  if (winner == entrants.end() || (!winner->is_open() && is_tried(winner->result)))
    return drop("it is no longer offered");
  TuningRecord today = make_record(problem, entrants, -1);
  const bool is_complete = fill_in(today.results, *record);
  if (!locked && !is_complete) return std::nullopt;
  if (!winner->is_open()) {
    const int best = locked ? -1 : select(today.results);
    if (best < 0) return std::nullopt;
    winner = entrants.begin() + best;
  }
  if (const std::string failure = winner->prepare(problem, device_); !failure.empty())
    return drop(failure);
  today.chosen = static_cast<int>(winner - entrants.begin());
  remember(today);
  return winner->take(true);
}

Choice Tuner::tune(const Problem& problem, Entrants& entrants) {
  const auto start = std::chrono::steady_clock::now();
  int chosen = -1;
  {
    const std::unique_ptr<Stream> stream = device_.make_stream();
    Workbench bench(problem, device_, *stream);
    do {
      check(problem, entrants, bench);
      time(entrants, bench, *stream);
      chosen = select(make_record(problem, entrants, -1).results);
    } while (chosen < 0 && readmit(problem, entrants));
  }
  seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (chosen < 0) throw Entrant::nobody_left(problem, entrants);
  ++tuned_;
  const TuningRecord record = make_record(problem, entrants, chosen);
  cache_.store(record);
  remember(record);
  return entrants[static_cast<std::size_t>(chosen)].take(false);
}

void Tuner::check(const Problem& problem, Entrants& entrants, Workbench& bench) const {
  const auto total = static_cast<int>(Entrant::count_open(entrants));
  const std::string key = problem.key();
  int done = 0;
  for (Entrant& entrant : entrants) {
    if (!entrant.is_open()) continue;
    if (options_.progress) options_.progress(key, label(entrant.result), done++, total);
    std::string refusal = entrant.prepare(problem, device_);
    if (refusal.empty())
      refusal = failure_of([&] {
        const Verdict verdict = bench.check(*entrant.kernel, entrant.configuration.workspace,
                                            entrant.candidate->error_factor(problem));
        entrant.result.error = verdict.error;
        entrant.result.refusal = verdict.refusal;
      });
    if (!refusal.empty()) entrant.result.refusal = refusal;
    if (entrant.is_open()) continue;
    entrant.kernel.reset();
    log::debug(
        fmt::format("'{}': {} is refused: {}", key, label(entrant.result), entrant.result.refusal));
  }
}

void Tuner::time(Entrants& entrants, Workbench& bench, Stream& stream) const {
  std::vector<Entrant*> open;
  std::size_t workspace_bytes = 0;
  for (Entrant& entrant : entrants) {
    if (!entrant.is_open()) continue;
    open.push_back(&entrant);
    workspace_bytes = std::max(workspace_bytes, entrant.configuration.workspace);
  }
  Buffer workspace;
  if (workspace_bytes > 0) workspace = Buffer(device_, workspace_bytes);
  std::vector<std::function<void()>> bodies;
  for (Entrant* entrant : open)
    bodies.push_back([&, entrant] { bench.launch(*entrant->kernel, workspace.data()); });
  const std::vector<Timing> timings = time_in_turns(device_, stream, bodies);
  for (std::size_t i = 0; i < open.size(); ++i) {
    open[i]->result.microseconds = timings[i].microseconds;
    open[i]->result.spread = timings[i].spread;
    open[i]->result.refusal = timings[i].failure;
  }
}

TuningRecord Tuner::make_record(const Problem& problem, const Entrants& entrants,
                                int chosen) const {
  TuningRecord record{problem.key(), fingerprint_, kVersion, chosen, {}};
  for (const Entrant& entrant : entrants) record.results.push_back(entrant.result);
  return record;
}

void Tuner::remember(const TuningRecord& record) {
  const auto known = std::find_if(records_.begin(), records_.end(), [&](const TuningRecord& r) {
    return r.problem == record.problem;
  });
  if (known == records_.end())
    records_.push_back(record);
  else
    *known = record;
}

}  // namespace engine
