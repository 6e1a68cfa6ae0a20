#include "engine/tune/timing.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/core/error.h"

namespace engine {
namespace {

constexpr double kBudgetMicroseconds = 40'000;
constexpr int kRounds = 5;
constexpr int kMinimumRuns = 10;
constexpr int kMaximumRuns = 200;
constexpr int kTrialRuns = 3;
constexpr double kHopeless = 4;  // times the fastest trial

// Linear interpolation between order statistics.
double quantile(const std::vector<double>& sorted, double q) {
  const double position = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(position);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return std::lerp(sorted[below], sorted[above], position - static_cast<double>(below));
}

class Contestant {
 public:
  Contestant(Device& device, Stream& stream, const std::function<void()>& body)
      : device_(device), stream_(stream), body_(body) {}

  // Adds `runs` samples. One run more goes before them: it finds the caches filled by somebody
  // else.
  void time(int runs) {
    if (!failure_.empty()) return;
    failure_ = failure_of([&] {
      const std::vector<double> times = device_.time(
          stream_, runs + 1, [] {}, body_);
      samples_.insert(samples_.end(), times.begin() + 1, times.end());
    });
  }

  // The trial run's time; infinite after a failure.
  double fastest() const {
    if (!failure_.empty()) return std::numeric_limits<double>::infinity();
    return *std::min_element(samples_.begin(), samples_.end());
  }

  Timing result() const {
    if (!failure_.empty()) return {0, 0, failure_};
    return summarize(samples_);
  }

 private:
  Device& device_;
  Stream& stream_;
  const std::function<void()>& body_;
  std::vector<double> samples_;
  std::string failure_;
};

int runs_a_round(double microseconds) {
  const double affordable = kBudgetMicroseconds / std::max(microseconds, 1e-3);
  return static_cast<int>(std::clamp<double>(affordable, kMinimumRuns, kMaximumRuns)) / kRounds;
}

}  // namespace

Timing summarize(std::vector<double> samples) {
  ENGINE_CHECK(!samples.empty(), "a summary of no samples");
  std::sort(samples.begin(), samples.end());
  return {quantile(samples, 0.5), quantile(samples, 0.75) - quantile(samples, 0.25), {}};
}

std::string failure_of(const std::function<void()>& action) {
  try {
    action();
    return {};
  } catch (const DeviceError& failure) {
    if (failure.sticky()) throw;
    return failure.what();
  } catch (const std::exception& failure) {
    const std::string message = failure.what();
    return message.empty() ? "threw an exception without a message" : message;
  } catch (...) {
    return "threw something that is no std::exception";
  }
}

std::vector<Timing> time_in_turns(Device& device, Stream& stream,
                                  std::span<const std::function<void()>> bodies) {
  std::vector<Contestant> contestants;
  for (const auto& body : bodies) contestants.emplace_back(device, stream, body);
  double best = std::numeric_limits<double>::infinity();
  for (Contestant& contestant : contestants) {
    contestant.time(kTrialRuns);
    best = std::min(best, contestant.fastest());
  }
  std::vector<int> runs;
  for (const Contestant& contestant : contestants)
    runs.push_back(contestant.fastest() > kHopeless * best ? 0
                                                           : runs_a_round(contestant.fastest()));
  for (int round = 0; round < kRounds; ++round)
    for (std::size_t i = 0; i < contestants.size(); ++i)
      if (runs[i] > 0) contestants[i].time(runs[i]);
  std::vector<Timing> timings;
  for (const Contestant& contestant : contestants) timings.push_back(contestant.result());
  return timings;
}

}  // namespace engine
