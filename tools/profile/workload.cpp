#include "tools/profile/workload.h"

#include <fmt/format.h>

#include "models/data/synthetic.h"

namespace engine::tools {
namespace {

// Enough for batches to come from everywhere in memory, little enough to be made at once.
constexpr std::int64_t kBatches = 16;

TrainSettings settings_of(const WorkloadOptions& options) {
  TrainSettings settings = default_settings(options.model);
  options.run.apply(settings);
  validate(settings);
  return settings;
}

ModelDefinition model_of(const WorkloadOptions& options, const TrainSettings& settings) {
  return with_settings(find_model(options.model), settings);
}

std::unique_ptr<Dataset> data_of(const ModelDefinition& model, const TrainSettings& settings) {
  return make_synthetic(model.batch * kBatches, data_expectation(model, settings));
}

Feed feed_of(const ModelDefinition& model, const Dataset& data) {
  return make_feed(data, Part::train, model.batch, true, false);
}

StepGraph make_step(const ModelDefinition& model, const Feed& feed, const TrainSettings& settings) {
  return training_graph(model, feed, graph_options(settings));
}

}  // namespace

Command& WorkloadOptions::declare_run(Command& command) {
  command.argument("MODEL", model,
                   "a name that engine-train list prints, or a model file (*.toml)");
  run.declare_model(command);
  run.declare_device(command);
  return command;
}

Command& WorkloadOptions::declare(Command& command) {
  declare_run(command);
  output.declare(command);
  return command;
}

StepGraph training_step(const WorkloadOptions& options) {
  const TrainSettings settings = settings_of(options);
  const ModelDefinition model = model_of(options, settings);
  return make_step(model, feed_of(model, *data_of(model, settings)), settings);
}

Workload::Workload(const WorkloadOptions& options)
    : settings_(settings_of(options)),
      model_(model_of(options, settings_)),
      data_(data_of(model_, settings_)),
      status_(true),
      runtime_(runtime_options_with_status()),
      training_(runtime_, feed_of(model_, *data_),
                [&](const Feed& feed) { return make_step(model_, feed, settings_); }) {
  status_.clear();
}

RuntimeOptions Workload::runtime_options_with_status() {
  RuntimeOptions options = runtime_options(settings_);
  options.tuner.progress = [this](const std::string& problem, const std::string& candidate,
                                  int done, int total) {
    show_tuning(status_, problem, candidate, done, total);
  };
  return options;
}

std::vector<graph::PassReport> Workload::passes() const {
  std::vector<graph::PassReport> reports = training_.forward_passes();
  reports.insert(reports.end(), program().passes.begin(), program().passes.end());
  return reports;
}

Problem Workload::problem_of(const graph::Step& step) const {
  return graph::make_problem(*step.node, runtime_options(settings_).compile);
}

std::string Workload::title() {
  return fmt::format("{}, batch {}, on {}", model_.name, model_.batch, runtime_.device().name());
}

void Workload::load() {
  runtime_.allocate();
  upload_dataset(*data_, Part::train, runtime_);
  initialize_parameters(training_.parameters(), settings_.seed, runtime_);
}

void Workload::launch_step() {
  graph::Executor& executor = runtime_.executor(program_index());
  for (std::size_t i = 0; i < program().steps.size(); ++i) executor.launch(i, runtime_.stream());
}

}  // namespace engine::tools
