#include "tools/train/inference.h"

#include "tools/train/report.h"

namespace engine::tools {
namespace {

// The run's settings, but for where it computes. Its own record of algorithms is the cache: what
// was chosen for training holds here, too.
TrainSettings settings_of(const RunFolder& folder, const InferenceOptions& options) {
  TrainSettings settings = from_config(folder.read_config());
  settings.data = options.data;
  settings.algorithm_cache = folder.algorithms_path();
  if (settings.autotune == "locked") settings.autotune = "find";
  options.where.apply(settings);
  validate(settings);
  return settings;
}

}  // namespace

void InferenceOptions::declare(Command& command) {
  command.argument("RUN", run, "a run's folder")
      .required_option("--data", data, "SOURCE", "a folder of data, or synthetic");
  where.declare_data(command);
  where.declare_device(command);
  command.flag("--json", json, "JSON on standard output");
}

Inference::Inference(const InferenceOptions& options)
    : folder_(RunFolder::open(options.run)),
      settings_(settings_of(folder_, options)),
      model_(with_settings(run_model(folder_, settings_), settings_)),
      data_(open_dataset(settings_.data, data_expectation(model_, settings_), settings_.task)),
      status_(true),
      runtime_(runtime_options_with_status()) {}

void Inference::load_parameters() {
  status_.clear();
  runtime_.allocate();
  folder_.checkpoints().load_parameters(runtime_.store(), runtime_.stream());
}

RuntimeOptions Inference::runtime_options_with_status() {
  RuntimeOptions options = runtime_options(settings_);
  options.tuner.progress = [this](const std::string& problem, const std::string& candidate,
                                  int done, int total) {
    show_tuning(status_, problem, candidate, done, total);
  };
  return options;
}

}  // namespace engine::tools
