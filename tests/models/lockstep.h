// Two devices side by side on the same training graph. Every op runs on both from the first
// device's operands, so that each error found is one op's own, and the first op beyond its bound is
// named.
#pragma once

#include <map>
#include <string>

#include "models/train/evaluator.h"

namespace engine::test {

/// What a lockstep run found, by op: how often it ran, and its worst difference between the devices
/// in units of eps * magnitude (0 means the same bits, which integer outputs must have).
struct LockstepReport {
  struct Op {
    int runs = 0;
    double worst = 0;
    std::string candidate;  ///< of the other device, at its last run
  };
  std::map<std::string, Op> ops;
  int steps = 0;
  /// Largest |difference| / max|value| over the gradients of whole steps that both devices ran on
  /// their own from the same state (not over parameters: RMSprop divides a gradient by its own
  /// size, so where one is all but 0 an update is all but arbitrary).
  double worst_whole_step = 0;
  std::string first_failure;  ///< empty: every op was within its bound

  std::string to_string() const;
};

/// Runs `steps` steps of `model` at `batch` on the device called `other`, its kernels narrowed by
/// `candidates` (see TunerOptions), in lockstep with the CPU. `activations` as in GraphOptions.
LockstepReport run_lockstep(const ModelDefinition& model, const std::string& data,
                            const std::string& other, const std::string& candidates,
                            std::int64_t batch, int steps, DType activations = DType::f32);

}  // namespace engine::test
