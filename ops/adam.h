// Adam and AdamW; see kernels/adam.h.
#pragma once

#include "ops/multi_tensor.h"

namespace engine::ops {

struct AdamConstants {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;
  bool decoupled = false;  ///< AdamW
};

/// Two moments: the mean and the mean square.
std::shared_ptr<const graph::Op> adam(const OptimizerFrame& frame, const AdamConstants& constants);

}  // namespace engine::ops
