// Trains a model from start to end: tuning, data, epochs with evaluation, checkpoints, resuming.
// What people see of it goes through callbacks.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "models/train/callback.h"
#include "models/train/evaluator.h"
#include "models/train/run_folder.h"
#include "models/train/settings.h"

namespace engine {

struct TrainResult {
  std::string run;
  bool interrupted = false;
  std::string stopped;  ///< why training ended before its last epoch; empty: it did not
  EvaluationResult test;
  double train_seconds = 0, tune_seconds = 0;
  double samples_per_second = 0, step_milliseconds_median = 0;
  std::size_t peak_bytes = 0;       ///< MemoryBudget::total(), as planned
  std::size_t resident_growth = 0;  ///< of this process since train() was called, at its highest
  std::int64_t steps = 0;           ///< taken in all, resumed ones included
  std::int64_t skipped_steps = 0;   ///< of them, without effect because they were not finite
  double data_wait_share = 0;       ///< of train_seconds: how long steps waited for data
  std::int64_t best_epoch = 0;      ///< of the lowest validation loss; 0: none
  double best_validation_loss = 0;
};

/// Where a run's folder comes from: a new one at `out` (empty: runs/<model>-N), or an old one.
struct RunPlace {
  std::string out;
  std::string resume;
};

inline const std::atomic<bool> kNeverStop = false;

/// Trains `model`, with the batch and optimizer of `settings`, on `data`, to the end, or until
/// *stop becomes true, which saves a checkpoint after the step under way. After each epoch the
/// model is evaluated on the validation part, or on the test part where there is none. A step that
/// is not finite changes nothing: it is skipped, or, unless the settings say so, the state before
/// it is saved and TrainingError names the first tensor that was not.
TrainResult train(const ModelDefinition& model, std::unique_ptr<Dataset> data,
                  const TrainSettings& settings, const RunPlace& place, Callback& callback,
                  const std::atomic<bool>& stop = kNeverStop);
/// The same on the data that the settings name.
TrainResult train(const ModelDefinition& model, const TrainSettings& settings,
                  const RunPlace& place, Callback& callback,
                  const std::atomic<bool>& stop = kNeverStop);
/// The same for the model that the settings name.
TrainResult train(const TrainSettings& settings, const RunPlace& place, Callback& callback,
                  const std::atomic<bool>& stop = kNeverStop);

}  // namespace engine
