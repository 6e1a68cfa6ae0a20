// What a run's folder gets at the end of an epoch: a row of metrics as CSV and JSON lines, the
// event files of TensorBoard, and the plot.
#pragma once

#include <optional>
#include <vector>

#include "models/train/callback.h"
#include "models/train/event_file.h"
#include "models/train/run_folder.h"

namespace engine {

class RunOutputs final : public Callback {
 public:
  explicit RunOutputs(RunFolder folder) : folder_(std::move(folder)) {}
  void on_start(const TrainStart& start) override;
  /// The metrics must be written, or FileError; events and plot are worth a warning.
  void on_epoch(const EpochMetrics& metrics, TrainControl& control) override;

 private:
  void draw() const;
  RunFolder folder_;
  std::vector<EpochMetrics> rows_;
  std::optional<EventLog> events_;
};

}  // namespace engine
