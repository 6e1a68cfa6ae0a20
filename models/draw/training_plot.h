// Loss and accuracy over the epochs of a run, as one SVG.
#pragma once

#include <string>
#include <vector>

#include "models/train/metrics_log.h"

namespace engine {

/// Two panels side by side, with a curve each for training, validation and test where `rows` has
/// values. A value that is missing or not finite leaves a gap. `title` is the run's name.
std::string training_plot(const std::vector<EpochMetrics>& rows, const std::string& title);

}  // namespace engine
