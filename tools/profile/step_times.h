// Times of the kernels of a training step. They are taken in the order of the program, one after
// the other, so that each finds the caches as its predecessors leave them; and each once more right
// away, as the tuner times it: alone, with its operands in the caches.
#pragma once

#include <vector>

#include "engine/tune/timing.h"
#include "tools/profile/workload.h"

namespace engine::tools {

/// How often something is measured: for so long, within limits.
struct Repetitions {
  double budget;  ///< microseconds
  int minimum, maximum;
  /// Of what takes `microseconds` once.
  int of(double microseconds) const;
};

struct StepTimes {
  std::vector<Timing> steps;  ///< one a step of the program
  Timing whole;               ///< of the steps launched in one go
  double sum_alone = 0;       ///< of the steps' medians alone, microseconds
  double sum() const;         ///< of the steps' medians in their order, microseconds
};
/// After workload.load().
StepTimes time_steps(Workload& workload);

/// One kernel of one of a few training steps in a row.
struct TraceEvent {
  int iteration;
  std::size_t step;  ///< of the program
  double start, microseconds;
};

/// Kernels of `iterations` training steps as they follow one another. On a CPU starts are real;
/// elsewhere each kernel is timed by itself, and begins where the one before it ended.
std::vector<TraceEvent> trace_steps(Workload& workload, int iterations);

}  // namespace engine::tools
