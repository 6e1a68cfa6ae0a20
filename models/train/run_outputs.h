// What a run's folder gets at the end of an epoch: a row of metrics as CSV and JSON lines, the
// event files of TensorBoard, and the plot; and its log, from the first word to the last.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/core/log.h"
#include "models/train/callback.h"
#include "models/train/event_file.h"
#include "models/train/run_folder.h"

namespace engine {

class RunOutputs final : public Callback {
 public:
  /// Opens the log, to which all that is logged goes as long as this lives; throws FileError.
  explicit RunOutputs(RunFolder folder)
      : folder_(std::move(folder)), log_(std::make_unique<log::File>(folder_.log_path())) {}
  void note(const std::string& line) { log_->note(line); }
  void on_start(const TrainStart& start) override;
  /// The metrics must be written, or FileError; events and plot are worth a warning.
  void on_epoch(const EpochMetrics& metrics, TrainControl& control) override;

 private:
  void draw() const;
  RunFolder folder_;
  std::unique_ptr<log::File> log_;
  std::vector<EpochMetrics> rows_;
  std::optional<EventLog> events_;
};

}  // namespace engine
