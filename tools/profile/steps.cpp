// engine-profile steps: where the time of a training step goes, kernel by kernel.
#include <fmt/format.h>

#include <algorithm>

#include "graph/op.h"
#include "tools/common/output.h"
#include "tools/common/record.h"
#include "tools/common/table.h"
#include "tools/profile/commands.h"
#include "tools/profile/workload.h"

namespace engine::tools {
namespace {

constexpr int kWarmUpSteps = 5;
constexpr int kRuns = 50;

struct StepTime {
  const graph::Step* step;
  double microseconds;

  double gigaflops() const { return step->flops / microseconds / 1e3; }
  double gigabytes() const { return step->bytes / microseconds / 1e3; }
};

struct Profile {
  std::string device;
  std::vector<StepTime> steps;
  double sum = 0;    // of the medians, µs
  double whole = 0;  // of the step run as a whole, µs
};

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

Profile measure(Workload& workload) {
  Runtime& runtime = workload.runtime();
  Stream& stream = runtime.stream();
  graph::Executor& executor = runtime.executor(workload.program_index());
  executor.run(stream, kWarmUpSteps);
  stream.synchronize();
  Profile profile;
  profile.device = runtime.device().name() + ": " + runtime.device().fingerprint();
  const auto time = [&](const std::function<void()>& body) {
    return median(runtime.device().time(
        stream, kRuns, [] {}, body));
  };
  const std::vector<graph::Step>& steps = workload.program().steps;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    profile.steps.push_back({&steps[i], time([&] { executor.launch(i, stream); })});
    profile.sum += profile.steps.back().microseconds;
  }
  profile.whole = time([&] {
    for (std::size_t i = 0; i < steps.size(); ++i) executor.launch(i, stream);
  });
  return profile;
}

Record to_record(const StepTime& time, const Profile& profile) {
  const graph::Step& step = *time.step;
  Record record;
  record.set("step", step.node->label()).set("op", step.node->op().name());
  record.set("problem", step.problem).set("candidate", step.candidate);
  record.set("config", step.configuration).set("microseconds", time.microseconds);
  record.set("flops", step.flops).set("bytes", static_cast<std::int64_t>(step.bytes));
  record.set("gigaflops_per_second", time.gigaflops());
  record.set("gigabytes_per_second", time.gigabytes());
  return record.set("share", time.microseconds / profile.sum);
}

std::string kernel_of(const graph::Step& step) {
  return step.configuration.empty() ? step.candidate : step.candidate + "/" + step.configuration;
}

void print_table(const Profile& profile, const Workload& workload) {
  using enum Table::Align;
  print_line(fmt::format("training step of {}, batch {}, on {}\n", workload.model().name,
                         workload.model().batch, profile.device));
  Table table({{"step", left},
               {"kernel", left},
               {"µs", right},
               {"GFLOP/s", right},
               {"GB/s", right},
               {"share", right}});
  for (const StepTime& time : profile.steps)
    table.add({time.step->node->label(), kernel_of(*time.step),
               fmt::format("{:.1f}", time.microseconds),
               time.step->flops > 0 ? fmt::format("{:.1f}", time.gigaflops()) : "-",
               fmt::format("{:.1f}", time.gigabytes()),
               fmt::format("{:.1f}%", 100 * time.microseconds / profile.sum)});
  table.add_rule();
  table.add({"sum", "", fmt::format("{:.1f}", profile.sum), "", "", ""});
  table.add({"in one go", "", fmt::format("{:.1f}", profile.whole), "", "", ""});
  table.print();
}

int run(const WorkloadOptions& options) {
  const Format format = options.format();
  Workload workload(options);
  workload.load();
  const Profile profile = measure(workload);
  if (format == Format::table) {
    print_table(profile, workload);
    return 0;
  }
  for (const StepTime& time : profile.steps) {
    const Record record = to_record(time, profile);
    if (format == Format::csv && &time == profile.steps.data()) print_line(csv_header(record));
    print_line(format == Format::json ? to_json(record) : to_csv(record));
  }
  return 0;
}

}  // namespace

void add_steps(CommandLine& line) {
  static WorkloadOptions options;
  options.declare(line.add("steps", "Time, operations and bytes of every kernel of a training step",
                           [] { return run(options); }));
}

}  // namespace engine::tools
