// The options by which a run is described, alike in every command that compiles a model. Those that
// were not given leave the settings they are applied to alone: a model's defaults, or a run's
// record.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "models/train/settings.h"
#include "tools/common/command_line.h"

namespace engine::tools {

struct RunOptions {
  std::optional<std::int64_t> batch, threads, seed, workspace_limit, memory_limit, loader_threads;
  std::optional<std::string> task, data_pipeline, device, precision, autotune, algorithm_cache,
      candidates;
  std::vector<std::string> passes_off;
  bool deterministic = false;

  /// Device, precision, threads, and how kernels are chosen: what every command takes.
  void declare_device(Command& command);
  /// How data reach the device: of commands that read them.
  void declare_data(Command& command);
  /// The others.
  void declare_model(Command& command);
  /// Throws UsageError for a value out of its range.
  void apply(TrainSettings& settings) const;
};

}  // namespace engine::tools
