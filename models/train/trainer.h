// Trains a model from start to end: tuning, data, epochs with evaluation, checkpoints, resuming.
// What people see of it goes through an observer.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "models/train/evaluator.h"
#include "models/train/run_folder.h"
#include "models/train/settings.h"

namespace engine {

/// What is known before the first step.
struct TrainStart {
  std::string run, device, data;
  std::int64_t parameters, steps_per_epoch, first_step, epochs;
  double tune_seconds;
  int problems_tuned;
  MemoryBudget memory;
};

struct TrainProgress {
  std::int64_t epoch;         ///< counted from 1
  std::int64_t step, steps;   ///< within the epoch
  double samples_per_second;  ///< since the epoch began
  double seconds_left;        ///< of the whole run, by the speed so far
};

struct TrainResult {
  std::string run;
  bool interrupted = false;
  EvaluationResult test;
  double train_seconds = 0, tune_seconds = 0;
  double samples_per_second = 0, step_milliseconds_median = 0;
  std::size_t peak_bytes = 0;       ///< MemoryBudget::total(), as planned
  std::size_t resident_growth = 0;  ///< of this process since train() was called, at its highest
  std::int64_t steps = 0;           ///< taken in all, resumed ones included
};

class TrainObserver {
 public:
  virtual ~TrainObserver() = default;
  virtual void on_tuning(const std::string& problem, const std::string& candidate, int done,
                         int total) = 0;
  virtual void on_start(const TrainStart& start) = 0;
  virtual void on_progress(const TrainProgress& progress) = 0;
  virtual void on_epoch(const EpochMetrics& metrics) = 0;
};

/// Where a run's folder comes from: a new one at `out` (empty: runs/<model>-N), or an old one.
struct RunPlace {
  std::string out;
  std::string resume;
};

/// Trains `model`, with the batch and optimizer of `settings`, to the end, or until *stop becomes
/// true, which saves a checkpoint after the step under way. A loss that is not finite throws
/// TrainingError and leaves the last good checkpoint.
TrainResult train(const ModelDefinition& model, const TrainSettings& settings,
                  const RunPlace& place, TrainObserver& observer, const std::atomic<bool>& stop);
/// The same for the model of the zoo that the settings name.
TrainResult train(const TrainSettings& settings, const RunPlace& place, TrainObserver& observer,
                  const std::atomic<bool>& stop);

}  // namespace engine
