#include "tools/profile/step_times.h"

#include <algorithm>
#include <chrono>

namespace engine::tools {
namespace {

constexpr int kWarmUpSteps = 5;
constexpr Repetitions kRounds{2e6, 10, 50};

std::vector<double> time(Workload& workload, int runs, const std::function<void()>& body) {
  Runtime& runtime = workload.runtime();
  return runtime.device().time(
      runtime.stream(), runs, [] {}, body);
}

void warm_up(Workload& workload) {
  Runtime& runtime = workload.runtime();
  runtime.executor(workload.program_index()).run(runtime.stream(), kWarmUpSteps);
  runtime.stream().synchronize();
}

// So many launches of one step in a row.
std::vector<double> time_one(Workload& workload, std::size_t step, int runs) {
  Runtime& runtime = workload.runtime();
  graph::Executor& executor = runtime.executor(workload.program_index());
  return time(workload, runs, [&] { executor.launch(step, runtime.stream()); });
}

}  // namespace

int Repetitions::of(double microseconds) const {
  return static_cast<int>(
      std::clamp<double>(budget / std::max(microseconds, 1e-3), minimum, maximum));
}

double StepTimes::sum() const {
  double sum = 0;
  for (const Timing& timing : steps) sum += timing.microseconds;
  return sum;
}

StepTimes time_steps(Workload& workload) {
  warm_up(workload);
  const auto time_whole = [&] {
    return time(workload, 1, [&] { workload.launch_step(); }).front();
  };
  const int runs = kRounds.of(3 * time_whole());
  std::vector<std::vector<double>> samples(workload.program().steps.size()), alone(samples.size());
  std::vector<double> whole;
  for (int run = 0; run < runs; ++run) {
    for (std::size_t i = 0; i < samples.size(); ++i) {
      const std::vector<double> pair = time_one(workload, i, 2);
      samples[i].push_back(pair.front());
      alone[i].push_back(pair.back());
    }
    whole.push_back(time_whole());
  }
  StepTimes times;
  for (std::vector<double>& of_step : samples) times.steps.push_back(summarize(std::move(of_step)));
  for (std::vector<double>& of_step : alone)
    times.sum_alone += summarize(std::move(of_step)).microseconds;
  times.whole = summarize(std::move(whole));
  return times;
}

std::vector<TraceEvent> trace_steps(Workload& workload, int iterations) {
  using Clock = std::chrono::steady_clock;
  warm_up(workload);
  const bool is_immediate = workload.runtime().device().backend() == "cpu";
  const auto origin = Clock::now();
  std::vector<TraceEvent> events;
  double end = 0;
  for (int iteration = 0; iteration < iterations; ++iteration)
    for (std::size_t i = 0; i < workload.program().steps.size(); ++i) {
      const std::chrono::duration<double, std::micro> now = Clock::now() - origin;
      const double start = is_immediate ? now.count() : end;
      const double microseconds = time_one(workload, i, 1).front();
      events.push_back({iteration, i, start, microseconds});
      end = start + microseconds;
    }
  return events;
}

}  // namespace engine::tools
