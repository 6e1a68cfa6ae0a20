// engine-train evaluate: loss and accuracy of a run on test data.
#include <fmt/format.h>

#include <chrono>

#include "tools/common/format.h"
#include "tools/common/interrupt.h"
#include "tools/common/output.h"
#include "tools/common/record.h"
#include "tools/train/commands.h"
#include "tools/train/inference.h"
#include "tools/train/report.h"

namespace engine::tools {
namespace {

int evaluate(const InferenceOptions& options) {
  exit_on_interrupt();
  Inference inference(options);
  const auto evaluator = inference.prepare<Evaluator>();
  const auto start = std::chrono::steady_clock::now();
  const EvaluationResult result = evaluator.run(inference.runtime());
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  const std::int64_t count = inference.data().count(Part::test);
  if (options.json) {
    Record record;
    record.set("run", options.run).set("model", inference.model().name);
    record.set("observations", count).set("test_loss", result.loss);
    if (result.accuracy) record.set("test_accuracy", *result.accuracy);
    record.set("seconds", seconds.count());
    print_line(to_json(record));
  } else {
    print_line(scores_line(result));
    print_line(fmt::format("observations   {} in {}", with_separators(count),
                           human_seconds(seconds.count())));
  }
  return 0;
}

}  // namespace

void add_evaluate(CommandLine& line) {
  static InferenceOptions options;
  options.declare(line.add("evaluate", "Loss and accuracy of a run on test data",
                           [] { return evaluate(options); }));
}

}  // namespace engine::tools
