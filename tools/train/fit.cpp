// engine-train fit: trains a model from the start, or goes on with a run.
#include <fmt/format.h>

#include <filesystem>

#include "engine/core/error.h"
#include "engine/core/log.h"
#include "models/train/trainer.h"
#include "tools/common/interrupt.h"
#include "tools/common/optimizer_options.h"
#include "tools/common/output.h"
#include "tools/common/run_options.h"
#include "tools/train/commands.h"
#include "tools/train/report.h"

namespace engine::tools {
namespace {

struct FitOptions {
  std::optional<std::string> model, data, out, resume;
  std::optional<std::int64_t> epochs, steps, checkpoint_every, patience, buckets;
  std::optional<double> validation_split;
  bool skip_bad_steps = false;
  bool reject_broken_images = false;
  bool random_crop = false;
  OptimizerOptions optimizer;
  RunOptions run;
  ReportOptions report;
};

// A model's defaults; for a resumed run what it was started with. A limit of steps is not
// inherited: who resumes wants to go on.
TrainSettings base_settings(const FitOptions& options) {
  if (options.resume) {
    TrainSettings settings = from_config(RunFolder::open(*options.resume).read_config());
    settings.max_steps = 0;
    if (options.model) settings.model = *options.model;
    if (options.data) settings.data = *options.data;
    return settings;
  }
  if (!options.model)
    throw UsageError("MODEL is missing (engine-train list prints the known ones)");
  if (!options.data) throw UsageError("--data is missing: a folder, or synthetic");
  TrainSettings settings = default_settings(*options.model);
  settings.data = *options.data;
  return settings;
}

// Counts this large are a mistake, and leave room for products of them.
constexpr std::int64_t kMost = 1'000'000'000;

void require_count(const char* name, const std::optional<std::int64_t>& value) {
  if (value && (*value < 1 || *value > kMost))
    throw UsageError(fmt::format("{} {}: expected a number from 1 to {}", name, *value, kMost));
}

TrainSettings resolve(const FitOptions& options) {
  require_count("--epochs", options.epochs);
  require_count("--steps", options.steps);
  require_count("--checkpoint-every", options.checkpoint_every);
  require_count("--patience", options.patience);
  TrainSettings settings = base_settings(options);
  options.run.apply(settings);
  if (options.epochs) settings.epochs = *options.epochs;
  if (options.steps) settings.max_steps = *options.steps;
  if (options.checkpoint_every) settings.checkpoint_every = *options.checkpoint_every;
  if (options.patience) settings.patience = *options.patience;
  if (options.buckets) settings.buckets = *options.buckets;
  if (options.validation_split) settings.validation_split = *options.validation_split;
  if (options.skip_bad_steps) settings.skip_bad_steps = true;
  if (options.reject_broken_images) settings.reject_broken_images = true;
  if (options.random_crop) settings.random_crop = true;
  options.optimizer.apply(settings.optimizer);
  validate(settings);
  return settings;
}

RunPlace find_place(const FitOptions& options) {
  if (options.out && options.resume && *options.out != *options.resume)
    throw UsageError(fmt::format("--out {}: a resumed run stays in its folder, {}", *options.out,
                                 *options.resume));
  if (options.resume) return {"", *options.resume};
  // Found out now rather than after tuning.
  if (options.out && std::filesystem::exists(*options.out + "/config.json"))
    throw UsageError(
        fmt::format("--out {}: already holds a run; --resume goes on with it", *options.out));
  return {options.out.value_or(""), ""};
}

int run(const FitOptions& options) {
  const RunPlace place = find_place(options);
  const TrainSettings settings = resolve(options);
  if (options.report.quiet) log::set_level(log::Level::warning);
  report_broken_pipes();
  std::atomic<bool>& stop = stop_on_interrupt();
  FitReport report(options.report, settings.model, stop);
  const TrainResult result = train(settings, place, report, stop);
  report.finish(result);
  return result.interrupted ? kInterruptedStatus : 0;
}

}  // namespace

void add_fit(CommandLine& line) {
  static FitOptions options;
  Command& command = line.add("fit", "Train a model", [] { return run(options); });
  command
      .argument("MODEL", options.model,
                "a name from list, or a model file (*.toml); with --resume that of the run")
      .option("--data", options.data, "SOURCE", "a folder of data, synthetic, or synthetic:N")
      .option("--epochs", options.epochs, "N", "counted from the start of training")
      .option("--steps", options.steps, "N", "stop after so many steps from the start")
      .option("--validation-split", options.validation_split, "F",
              "part of the training data kept for validation (default: validate on test data)")
      .option("--patience", options.patience, "N",
              "stop after N epochs without a lower validation loss")
      .option("--buckets", options.buckets, "N",
              "texts in at most N buckets of their lengths, instead of all padded to the longest")
      .flag("--skip-bad-steps", options.skip_bad_steps,
            "go on where a step is not finite, instead of stopping")
      .flag("--reject-broken-images", options.reject_broken_images,
            "stop where an image cannot be decoded, instead of leaving it out")
      .flag("--random-crop", options.random_crop,
            "cut images at random from ones that are an eighth part larger")
      .option("--out", options.out, "RUN", "the run's folder (default: runs/MODEL-N)")
      .option("--resume", options.resume, "RUN", "go on with a run, under its settings")
      .option("--checkpoint-every", options.checkpoint_every, "N",
              "also save every N steps, not only after epochs");
  options.optimizer.declare(command);
  options.run.declare_data(command);
  options.run.declare_model(command);
  options.run.declare_device(command);
  command.flag("--quiet", options.report.quiet, "only the result")
      .flag("--json", options.report.json, "one JSON object an event on standard output");
}

}  // namespace engine::tools
