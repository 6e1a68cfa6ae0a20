// What a rewrite gains: the training step is compiled without it, and both programs take turns.
#pragma once

#include <cstddef>
#include <string>

#include "engine/tune/timing.h"
#include "tools/profile/workload.h"

namespace engine::tools {

struct Ablation {
  Timing with, without;  ///< of the whole step
  Timing gain;           ///< of the pairs' differences, without - with
  std::size_t arena_with = 0, arena_without = 0;

  /// Whether the gain is more than the pairs' differences vary.
  bool is_significant() const;
};

/// `whole` is the workload of `options`, loaded; the same without `pass` is compiled here, loaded
/// and timed against it.
Ablation ablate(Workload& whole, const WorkloadOptions& options, const std::string& pass);

}  // namespace engine::tools
