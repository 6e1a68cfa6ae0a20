// engine-profile steps: where the time of a training step goes, kernel by kernel, and how near each
// comes to what the device can do.
#include <fmt/format.h>

#include "graph/op.h"
#include "tools/common/format.h"
#include "tools/common/output.h"
#include "tools/common/table.h"
#include "tools/profile/commands.h"
#include "tools/profile/step_profile.h"
#include "tools/profile/trace.h"
#include "tools/profile/workload.h"

namespace engine::tools {
namespace {

constexpr int kTracedSteps = 4;

struct StepsOptions {
  WorkloadOptions workload;
  std::optional<std::string> trace;
};

Record to_record(const StepProfile& profile, std::size_t i) {
  const graph::Step& step = profile.steps[i];
  Record record;
  record.set("step", step.node->label()).set("op", step.node->op().name());
  record.set("problem", step.problem).set("candidate", step.candidate);
  record.set("config", step.configuration).set("microseconds", profile.microseconds(i));
  record.set("spread", profile.times.steps[i].spread);
  record.set("flops", step.flops).set("bytes", static_cast<std::int64_t>(step.bytes));
  record.set("gigaflops_per_second", profile.gigaflops(i));
  record.set("gigabytes_per_second", profile.gigabytes(i));
  record.set("share", profile.share(i)).set("attainable_share", profile.attainable_share(i));
  record.set("bound", profile.peaks.is_arithmetic_bound(step) ? "arithmetic" : "memory");
  record.set("peak_gigaflops_per_second", profile.peaks.gigaflops);
  record.set("peak_gigabytes_per_second", profile.peaks.gigabytes);
  const Reorder reorder = reorder_of(step);
  return record.set("reorder",
                    reorder == Reorder::none ? Field(nullptr) : Field(reorder_name(reorder)));
}

std::vector<std::string> cells(const StepProfile& profile, std::size_t i) {
  const graph::Step& step = profile.steps[i];
  return {step.node->label(),
          kernel_of(step),
          fmt::format("{:.1f}", profile.microseconds(i)),
          percent(profile.share(i)),
          step.flops > 0 ? fmt::format("{:.1f}", profile.gigaflops(i)) : "-",
          fmt::format("{:.1f}", profile.gigabytes(i)),
          percent(profile.attainable_share(i)),
          profile.peaks.is_arithmetic_bound(step) ? "arithmetic" : "memory"};
}

void print_table(const StepProfile& profile, Workload& workload) {
  using enum Table::Align;
  print_line(fmt::format("training step of {}\n{}\n", workload.title(),
                         workload.runtime().device().fingerprint()));
  Table table({{"step", left},
               {"kernel", left},
               {"µs", right},
               {"share", right},
               {"GFLOP/s", right},
               {"GB/s", right},
               {"of roof", right},
               {"bound by", left}});
  for (std::size_t i = 0; i < profile.steps.size(); ++i) table.add(cells(profile, i));
  const double attainable = profile.attainable();
  const double sum = profile.times.sum(), whole = profile.times.whole.microseconds;
  table.add_rule();
  table.add({"sum", "", fmt::format("{:.1f}", sum), "", "", "", percent(attainable / sum), ""});
  table.add(
      {"in one go", "", fmt::format("{:.1f}", whole), "", "", "", percent(attainable / whole), ""});
  table.print();
  print_line(
      fmt::format("\nwhole step {:.2f} ms, sum of its kernels each alone {:.2f} ms, ratio {:.3f}",
                  whole / 1e3, profile.times.sum_alone / 1e3, whole / profile.times.sum_alone));
  const Peaks& peaks = profile.peaks;
  print_line("\n" + describe(count_reorders(profile)));
  print_line(fmt::format(
      "\nµs: median · of roof: the time that the peaks measured here allow, over the time taken\n"
      "peak arithmetic  {:.1f} GFLOP/s, the best product: {}\n"
      "peak bandwidth   {:.1f} GB/s, streaming over {}, as many as a step goes over (a kernel\n"
      "                 whose operands were in a smaller, faster cache may be above its roof, and "
      "so\n"
      "                 may Winograd's, for which the direct algorithm's operations are counted)",
      peaks.gigaflops, peaks.product, peaks.gigabytes,
      human_bytes(static_cast<double>(peaks.footprint))));
}

int run(const StepsOptions& options) {
  const Format format = options.workload.output.format();
  if (options.trace) expect_savable(*options.trace);
  Workload workload(options.workload);
  workload.load();
  const StepProfile profile = profile_steps(workload);
  if (options.trace)
    save_text(*options.trace,
              to_trace(workload, trace_steps(workload, kTracedSteps), profile.peaks));
  workload.status().clear();
  if (format == Format::table) {
    print_table(profile, workload);
    return 0;
  }
  std::vector<Record> rows;
  for (std::size_t i = 0; i < profile.steps.size(); ++i) rows.push_back(to_record(profile, i));
  print_rows(format, rows);
  return 0;
}

}  // namespace

void add_steps(CommandLine& line) {
  static StepsOptions options;
  options.workload
      .declare(line.add("steps",
                        "Time of every kernel of a training step, and its share of the roof",
                        [] { return run(options); }))
      .option("--trace", options.trace, "FILE",
              "save a trace of a few steps, for ui.perfetto.dev or chrome://tracing");
}

}  // namespace engine::tools
