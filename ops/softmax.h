// Softmax over the last axis and its logarithm; see kernels/softmax.h. Brings the pass
// softmax-before-cross-entropy.
#pragma once

#include <memory>

#include "graph/op.h"

namespace engine::ops {

std::shared_ptr<const graph::Op> softmax();
std::shared_ptr<const graph::Op> log_softmax();
std::shared_ptr<const graph::Op> softmax_gradient();
std::shared_ptr<const graph::Op> log_softmax_gradient();

}  // namespace engine::ops
