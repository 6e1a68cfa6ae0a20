#include "tools/profile/workload.h"

#include <fmt/format.h>

#include "engine/core/error.h"
#include "models/data/synthetic.h"

namespace engine::tools {
namespace {

// Enough for batches to come from everywhere in memory, little enough to be made at once.
constexpr std::int64_t kBatches = 16;

TrainSettings settings_of(const WorkloadOptions& options) {
  TrainSettings settings = default_settings(find_model(options.model));
  options.run.apply(settings);
  validate(settings);
  return settings;
}

}  // namespace

void WorkloadOptions::declare(Command& command) {
  command.argument("MODEL", model, "a name that engine-train list prints");
  run.declare_model(command);
  run.declare_device(command);
  command.option("--format", format_name, "table|json|csv", "how to print (default: table)")
      .flag("--json", json, "the same as --format json");
}

Format WorkloadOptions::format() const {
  const std::string name = format_name.value_or(json ? "json" : "table");
  if (json && name != "json")
    throw UsageError(fmt::format("--format {} and --json exclude each other", name));
  if (name == "table") return Format::table;
  if (name == "json") return Format::json;
  if (name == "csv") return Format::csv;
  throw UsageError(fmt::format("--format {}: expected table, json or csv", name));
}

Workload::Workload(const WorkloadOptions& options)
    : settings_(settings_of(options)),
      model_(resolve_model(settings_)),
      data_(make_synthetic(model_.batch * kBatches, {model_.network.input(), model_.classes})),
      status_(true),
      runtime_(runtime_options_with_status()),
      training_(
          runtime_, Feed{Part::train, data_->count(Part::train), model_.batch, 0, true, false},
          [&](const Feed& feed) {
            return training_graph(model_, feed, {settings_.seed, settings_.passes_off, false});
          }) {
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

void Workload::load() {
  runtime_.allocate();
  upload_dataset(*data_, model_, Part::train, runtime_);
  for (const Parameter& parameter : training_.parameters()) {
    const std::vector<float> values =
        draw(parameter.initializer, parameter.state.type.element_count(), parameter.fan_in,
             parameter.fan_out, random_key(settings_.seed, parameter.state.name));
    runtime_.store().upload(parameter.state.name, values.data(), runtime_.stream());
  }
}

}  // namespace engine::tools
