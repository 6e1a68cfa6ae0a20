// Schedules of the learning rate as people write them: in epochs, as text. What a device computes
// of them is in kernels/learning_rate.h.
#pragma once

#include <cstdint>
#include <string>

#include "kernels/learning_rate.h"

namespace engine {

enum class ScheduleKind { constant, step, cosine, exponential, decay, plateau };

/// A schedule and its constants:
///
///  - `constant`: the base
///  - `step:EPOCHS:FACTOR`: times FACTOR after every EPOCHS epochs
///  - `cosine[:FLOOR]`: half a cosine over the whole training, down to FLOOR (0) times the base
///  - `exponential:FACTOR`: times FACTOR after every epoch
///  - `decay:FACTOR`: 1 / (1 + FACTOR·t) after t updates, as in Keras
///  - `plateau:EPOCHS:FACTOR`: times FACTOR when the validation loss has not fallen for EPOCHS
///    epochs; the host does this, by lowering the base
///
/// each with "+warmup:STEPS" or without: the rate then rises linearly over the first STEPS steps.
struct ScheduleSettings {
  ScheduleKind kind = ScheduleKind::constant;
  std::int64_t epochs = 1;  ///< step, plateau
  double factor = 1;        ///< FACTOR, or FLOOR
  std::int64_t warmup = 0;  ///< steps

  bool operator==(const ScheduleSettings&) const = default;
};

/// Throws UsageError quoting the text and what was expected.
ScheduleSettings parse_schedule(const std::string& text);
/// The text that parse_schedule() takes.
std::string to_string(const ScheduleSettings& schedule);

/// How long training is: what schedules in epochs are measured by.
struct TrainingLength {
  std::int64_t steps_per_epoch = 1;
  std::int64_t epochs = 1;

  bool operator==(const TrainingLength&) const = default;
};

/// The schedule in updates, of which one takes `every` steps.
LearningRateAttributes in_updates(const ScheduleSettings& schedule, const TrainingLength& length,
                                  std::int64_t every);

}  // namespace engine
