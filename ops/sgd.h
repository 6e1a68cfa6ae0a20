// Stochastic gradient descent; see kernels/sgd.h.
#pragma once

#include "ops/multi_tensor.h"

namespace engine::ops {

struct SgdConstants {
  double momentum = 0;  ///< 0: there are no moments
  bool nesterov = false;
  double weight_decay = 0;
};

std::shared_ptr<const graph::Op> sgd(const OptimizerFrame& frame, const SgdConstants& constants);

}  // namespace engine::ops
