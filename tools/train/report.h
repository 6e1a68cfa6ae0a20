// What `fit` tells while it trains: lines for people or JSON events on standard output, and on a
// terminal a progress line on standard error.
#pragma once

#include <atomic>
#include <string>

#include "models/train/trainer.h"
#include "tools/common/record.h"
#include "tools/common/terminal.h"

namespace engine::tools {

struct ReportOptions {
  bool json = false;
  bool quiet = false;  ///< no progress, no line an epoch
};

/// "test accuracy  0.9, loss 0.3".
std::string scores_line(const EvaluationResult& test);

class FitReport final : public Callback {
 public:
  /// Sets `stop` when standard output can no longer be written: the run is then saved and ended.
  FitReport(ReportOptions options, std::string model, std::atomic<bool>& stop);

  /// Throws Interrupted when a stop was asked for: so far there is nothing to save.
  void on_tuning(const std::string& problem, const std::string& candidate, int done,
                 int total) override;
  void on_start(const TrainStart& start) override;
  void on_progress(const TrainProgress& progress) override;
  void on_epoch(const EpochMetrics& metrics, TrainControl& control) override;
  /// The end, to be called with what train() returned. Throws FileError when lines were lost.
  void finish(const TrainResult& result);

 private:
  void emit(const std::string& line);
  void print_start(const TrainStart& start);
  void print_end(const TrainResult& result);
  void print_how_to_resume(const TrainResult& result);

  ReportOptions options_;
  std::string model_;
  std::atomic<bool>& stop_;
  StatusLine status_;
  bool said_tuning_ = false;
  std::int64_t epochs_ = 0;
  std::string last_loss_;
  std::string lost_;  ///< why standard output failed; empty while it has not
};

}  // namespace engine::tools
