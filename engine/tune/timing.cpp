#include "engine/tune/timing.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/core/error.h"

namespace engine {
namespace {

constexpr double kBudgetMicroseconds = 40'000;
constexpr int kRounds = 5;
constexpr int kLongRounds = 3;  // of a long run, whose spread is small
constexpr int kMaximumRuns = 200;
constexpr int kTrialRuns = 3;
constexpr double kLongMicroseconds = 10'000;  // a run that fills the caches on its way
constexpr double kHopeless = 4;               // times the fastest run, after a trial
constexpr double kBeaten = 1.5;               // the same, after a round

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

  // One run finds the caches filled by somebody else; where that costs a long run next to nothing,
  // it is the only one.
  void try_out() {
    sample(1, 0);
    if (fastest() >= kLongMicroseconds) return;
    samples_.clear();
    sample(kTrialRuns, 0);
  }

  // Adds a round's share of the runs, after one that fills the caches where that matters.
  void run_round(int round) {
    if (fastest() >= kLongMicroseconds) {
      if (round < kLongRounds) sample(1, 0);
      return;
    }
    const double affordable = kBudgetMicroseconds / std::max(fastest(), 1e-3);
    const int runs = static_cast<int>(std::clamp<double>(affordable, 2 * kRounds, kMaximumRuns));
    sample(runs / kRounds, 1);
  }

  // The fastest run; infinite after a failure.
  double fastest() const {
    if (!failure_.empty()) return std::numeric_limits<double>::infinity();
    return *std::min_element(samples_.begin(), samples_.end());
  }

  Timing result() const {
    if (!failure_.empty()) return {0, 0, failure_};
    return summarize(samples_);
  }

 private:
  void sample(int runs, int runs_before) {
    if (!failure_.empty()) return;
    failure_ = failure_of([&] {
      const std::vector<double> times = device_.time(
          stream_, runs_before + runs, [] {}, body_);
      samples_.insert(samples_.end(), times.begin() + runs_before, times.end());
    });
  }

  Device& device_;
  Stream& stream_;
  const std::function<void()>& body_;
  std::vector<double> samples_;
  std::string failure_;
};

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
  std::vector<Contestant*> racing;
  for (Contestant& contestant : contestants) {
    contestant.try_out();
    racing.push_back(&contestant);
  }
  double limit = kHopeless;
  for (int round = 0; round < kRounds; ++round) {
    double best = std::numeric_limits<double>::infinity();
    for (const Contestant* contestant : racing) best = std::min(best, contestant->fastest());
    std::erase_if(racing, [&](const Contestant* one) { return !(one->fastest() <= limit * best); });
    for (Contestant* contestant : racing) contestant->run_round(round);
    limit = kBeaten;
  }
  std::vector<Timing> timings;
  for (const Contestant& contestant : contestants) timings.push_back(contestant.result());
  return timings;
}

}  // namespace engine
