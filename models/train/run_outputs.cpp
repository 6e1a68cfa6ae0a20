#include "models/train/run_outputs.h"

#include <fmt/format.h>

#include <filesystem>

#include "engine/core/error.h"
#include "engine/core/file.h"
#include "engine/core/log.h"
#include "models/draw/training_plot.h"

namespace engine {
namespace {

std::string describe(const TrainStart& start) {
  return fmt::format(
      "start: step {} of {}; {} parameters; {}; {}; {} problems tuned in {:.1f} s; bytes: state "
      "{}, "
      "data {}, arena {}, code {}",
      start.first_step, start.epochs * start.steps_per_epoch, start.parameters, start.device,
      start.data, start.problems_tuned, start.tune_seconds, start.memory.state, start.memory.data,
      start.memory.arena, start.memory.code);
}

}  // namespace

void RunOutputs::on_start(const TrainStart& start) {
  note(describe(start));
  rows_ = start.history;
  try {
    events_.emplace(folder_.events_path(), static_cast<std::int64_t>(rows_.size()));
  } catch (const FileError& error) {
    log::warning(std::string("no event files: ") + error.what());
  }
}

void RunOutputs::on_epoch(const EpochMetrics& metrics, TrainControl&) {
  folder_.metrics().append(metrics);
  rows_.push_back(metrics);
  note("epoch: {" + to_json_fields(metrics) + "}");
  try {
    if (events_) events_->add(metrics);
    draw();
  } catch (const FileError& error) {
    log::warning(error.what());
  }
}

void RunOutputs::draw() const {
  const std::string title = std::filesystem::path(folder_.path()).filename().native();
  replace_file(folder_.plot_path(),
               [text = training_plot(rows_, title)](FileWriter& file) { file.write(text); });
}

}  // namespace engine
