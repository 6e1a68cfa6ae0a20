// engine-profile report: everything about a training step in one file for a browser.
#include "tools/common/output.h"
#include "tools/profile/commands.h"
#include "tools/profile/full_report.h"

namespace engine::tools {
namespace {

struct ReportOptions {
  WorkloadOptions workload;
  std::string html;
  bool ablate = false;
};

int run(const ReportOptions& options) {
  expect_savable(options.html);
  Workload workload(options.workload);
  save_text(options.html, to_html(gather_report(workload, options.workload, options.ablate)));
  return 0;
}

}  // namespace

void add_report(CommandLine& line) {
  static ReportOptions options;
  options.workload
      .declare_run(
          line.add("report", "All of that in one file for a browser", [] { return run(options); }))
      .required_option("--html", options.html, "FILE", "the report to write")
      .flag("--ablate", options.ablate, "time the step without each graph rewrite, too");
}

}  // namespace engine::tools
