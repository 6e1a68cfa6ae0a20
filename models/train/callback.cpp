#include "models/train/callback.h"

#include <fmt/format.h>

namespace engine {

void CallbackList::on_tuning(const std::string& problem, const std::string& candidate, int done,
                             int total) {
  for (Callback* callback : callbacks_) callback->on_tuning(problem, candidate, done, total);
}
void CallbackList::on_start(const TrainStart& start) {
  for (Callback* callback : callbacks_) callback->on_start(start);
}
void CallbackList::on_progress(const TrainProgress& progress) {
  for (Callback* callback : callbacks_) callback->on_progress(progress);
}
void CallbackList::on_epoch(const EpochMetrics& metrics, TrainControl& control) {
  for (Callback* callback : callbacks_) callback->on_epoch(metrics, control);
}

bool Monitor::improves(const EpochMetrics& metrics) {
  // False for a loss that is not a number, which is never an improvement.
  if (metrics.validation_loss && *metrics.validation_loss < best_) {
    best_ = *metrics.validation_loss;
    best_epoch_ = metrics.epoch;
    waited_ = 0;
    return true;
  }
  ++waited_;
  return false;
}

void EarlyStopping::on_start(const TrainStart& start) {
  for (const EpochMetrics& metrics : start.history) monitor_.improves(metrics);
}

void EarlyStopping::on_epoch(const EpochMetrics& metrics, TrainControl& control) {
  monitor_.improves(metrics);
  if (monitor_.waited() >= patience_)
    control.stop(fmt::format("the validation loss has not fallen since epoch {} ({:.4f})",
                             monitor_.best_epoch(), monitor_.best_loss()));
}

// The learning rate itself is part of the checkpoint; only the counting is repeated.
void PlateauSchedule::on_start(const TrainStart& start) {
  for (const EpochMetrics& metrics : start.history) reached(metrics);
}

void PlateauSchedule::on_epoch(const EpochMetrics& metrics, TrainControl& control) {
  if (reached(metrics)) control.scale_learning_rate(factor_);
}

bool PlateauSchedule::reached(const EpochMetrics& metrics) {
  if (monitor_.improves(metrics) || monitor_.waited() < patience_) return false;
  monitor_.restart_wait();
  return true;
}

}  // namespace engine
