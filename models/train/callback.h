// What can be told of a training run while it goes on, and what can be done about it: the hooks
// that an application, the command line and the trainer's own rules are written with.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "models/train/metrics_log.h"
#include "models/train/runtime.h"

namespace engine {

/// What is known before the first step.
struct TrainStart {
  std::string run, device, data;
  std::int64_t parameters, steps_per_epoch, first_step, epochs;
  double tune_seconds;
  int problems_tuned;
  MemoryBudget memory;
  std::vector<EpochMetrics> history;  ///< of a resumed run: its epochs so far
};

struct TrainProgress {
  std::int64_t epoch;         ///< counted from 1
  std::int64_t step, steps;   ///< within the epoch
  double samples_per_second;  ///< since the epoch began
  double seconds_left;        ///< of the whole run, by the speed so far
};

/// What a callback may do at the end of an epoch.
class TrainControl {
 public:
  virtual ~TrainControl() = default;
  /// Ends training here, as if this had been the last epoch; `why` is for people.
  virtual void stop(const std::string& why) = 0;
  /// Multiplies the base of the learning rate's schedule from the next step on.
  virtual void scale_learning_rate(double factor) = 0;
};

/// Every hook may be left out.
class Callback {
 public:
  virtual ~Callback() = default;
  /// A candidate of a problem is about to be measured, the `done`th of `total`.
  virtual void on_tuning(const std::string& /*problem*/, const std::string& /*candidate*/,
                         int /*done*/, int /*total*/) {}
  virtual void on_start(const TrainStart&) {}
  virtual void on_progress(const TrainProgress&) {}
  virtual void on_epoch(const EpochMetrics&, TrainControl&) {}
};

/// Several as one, called in order.
class CallbackList final : public Callback {
 public:
  explicit CallbackList(std::vector<Callback*> callbacks) : callbacks_(std::move(callbacks)) {}
  /// The callback must outlive the list.
  void add_first(Callback& callback) { callbacks_.insert(callbacks_.begin(), &callback); }
  void add_last(Callback& callback) { callbacks_.push_back(&callback); }
  void on_tuning(const std::string& problem, const std::string& candidate, int done,
                 int total) override;
  void on_start(const TrainStart& start) override;
  void on_progress(const TrainProgress& progress) override;
  void on_epoch(const EpochMetrics& metrics, TrainControl& control) override;

 private:
  std::vector<Callback*> callbacks_;
};

/// Follows the validation loss, so that a resumed run's past counts like any other.
class Monitor {
 public:
  /// Takes the next epoch in; returns whether it is the best so far.
  bool improves(const EpochMetrics& metrics);
  std::int64_t best_epoch() const { return best_epoch_; }  ///< 0: none yet
  double best_loss() const { return best_; }
  /// Epochs since the best one.
  std::int64_t waited() const { return waited_; }
  void restart_wait() { waited_ = 0; }

 private:
  double best_ = std::numeric_limits<double>::infinity();
  std::int64_t best_epoch_ = 0, waited_ = 0;
};

/// Stops when the validation loss has not fallen for `patience` epochs.
class EarlyStopping final : public Callback {
 public:
  explicit EarlyStopping(std::int64_t patience) : patience_(patience) {}
  void on_start(const TrainStart& start) override;
  void on_epoch(const EpochMetrics& metrics, TrainControl& control) override;

 private:
  std::int64_t patience_;
  Monitor monitor_;
};

/// Multiplies the learning rate by `factor` whenever the validation loss has not fallen for
/// `patience` epochs, which are then counted anew.
class PlateauSchedule final : public Callback {
 public:
  PlateauSchedule(std::int64_t patience, double factor) : patience_(patience), factor_(factor) {}
  void on_start(const TrainStart& start) override;
  void on_epoch(const EpochMetrics& metrics, TrainControl& control) override;

 private:
  /// Whether this epoch ends a plateau's patience.
  bool reached(const EpochMetrics& metrics);
  std::int64_t patience_;
  double factor_;
  Monitor monitor_;
};

}  // namespace engine
