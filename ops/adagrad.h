// Adagrad; see kernels/adagrad.h.
#pragma once

#include "ops/multi_tensor.h"

namespace engine::ops {

struct AdagradConstants {
  double epsilon = 1e-10;
  double weight_decay = 0;
};

/// One moment: the sum of squares.
std::shared_ptr<const graph::Op> adagrad(const OptimizerFrame& frame,
                                         const AdagradConstants& constants);

}  // namespace engine::ops
