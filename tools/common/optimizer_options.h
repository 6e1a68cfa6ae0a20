// The options by which an optimizer is chosen and set. Those that were not given leave the settings
// they are applied to alone; naming another optimizer starts from that one's defaults.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "models/train/optimizer.h"
#include "tools/common/command_line.h"

namespace engine::tools {

struct OptimizerOptions {
  std::optional<std::string> name, schedule;
  std::optional<double> learning_rate, momentum, weight_decay, clip_norm, clip_value;
  std::optional<std::int64_t> accumulate;
  bool nesterov = false;

  void declare(Command& command);
  /// Throws UsageError for an unknown optimizer or schedule.
  void apply(OptimizerSettings& settings) const;
};

}  // namespace engine::tools
