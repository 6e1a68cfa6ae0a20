#include "tools/profile/ablation.h"

#include <algorithm>
#include <cmath>

#include "tools/profile/step_times.h"

namespace engine::tools {
namespace {

constexpr int kWarmUpRuns = 3;
constexpr Repetitions kPairs{2e6, 11, 101};

// The fastest of a few: a pair with a neighbour's burst of work in it says nothing.
double time(Workload& workload, int runs) {
  Runtime& runtime = workload.runtime();
  const std::vector<double> times = runtime.device().time(
      runtime.stream(), runs, [] {}, [&] { workload.launch_step(); });
  return *std::min_element(times.begin(), times.end());
}

}  // namespace

bool Ablation::is_significant() const {
  return std::abs(gain.microseconds) > gain.spread;
}

Ablation ablate(Workload& whole, const WorkloadOptions& options, const std::string& pass) {
  WorkloadOptions reduced = options;
  reduced.run.passes_off.push_back(pass);
  Workload without(reduced);
  without.load();

  Ablation result;
  result.arena_with = whole.program().plan.arena_bytes;
  result.arena_without = without.program().plan.arena_bytes;
  const int pairs = kPairs.of(time(whole, kWarmUpRuns) + time(without, kWarmUpRuns));
  std::vector<double> times_with, times_without, gains;
  for (int pair = 0; pair < pairs; ++pair) {
    // One run first finds the caches filled by the other program.
    times_with.push_back(time(whole, 2));
    times_without.push_back(time(without, 2));
    gains.push_back(times_without.back() - times_with.back());
  }
  result.with = summarize(std::move(times_with));
  result.without = summarize(std::move(times_without));
  result.gain = summarize(std::move(gains));
  return result;
}

}  // namespace engine::tools
