// Sigmoid and binary cross-entropy as one op; see kernels/sigmoid_cross_entropy.h.
#pragma once

#include <memory>

#include "graph/op.h"

namespace engine::ops {

std::shared_ptr<const graph::Op> sigmoid_cross_entropy();
std::shared_ptr<const graph::Op> sigmoid_cross_entropy_gradient();

}  // namespace engine::ops
