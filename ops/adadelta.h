// Adadelta; see kernels/adadelta.h.
#pragma once

#include "ops/multi_tensor.h"

namespace engine::ops {

struct AdadeltaConstants {
  double rho = 0.9;
  double epsilon = 1e-6;
  double weight_decay = 0;
};

/// Two moments: the mean squares of gradients and of updates.
std::shared_ptr<const graph::Op> adadelta(const OptimizerFrame& frame,
                                          const AdadeltaConstants& constants);

}  // namespace engine::ops
