// RMSprop; see kernels/rmsprop.h.
#pragma once

#include "ops/multi_tensor.h"

namespace engine::ops {

struct RmspropConstants {
  double rho = 0.9;
  double epsilon = 1e-7;
  double weight_decay = 0;
};

/// One moment: the mean square.
std::shared_ptr<const graph::Op> rmsprop(const OptimizerFrame& frame,
                                         const RmspropConstants& constants);

}  // namespace engine::ops
