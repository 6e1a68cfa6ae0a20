#include "tools/train/inference.h"

#include "models/data/length_buckets.h"
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

// As they were trained on.
std::unique_ptr<Dataset> open_data(const ModelDefinition& model, const TrainSettings& settings) {
  auto data = open_dataset(settings.data, data_expectation(model, settings), settings.task);
  if (settings.buckets == 0) return data;
  return bucket_by_length(std::move(data), model.text, settings.buckets, settings.batch);
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
      data_(open_data(model_, settings_)),
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
