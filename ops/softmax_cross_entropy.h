// Softmax and cross-entropy as one op; see kernels/softmax_cross_entropy.h.
#pragma once

#include <memory>

#include "graph/op.h"

namespace engine::ops {

std::shared_ptr<const graph::Op> softmax_cross_entropy();
std::shared_ptr<const graph::Op> softmax_cross_entropy_gradient();

}  // namespace engine::ops
