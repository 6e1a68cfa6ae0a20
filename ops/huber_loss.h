// The Huber loss; see kernels/huber_loss.h.
#pragma once

#include <memory>

#include "graph/op.h"

namespace engine::ops {

/// Throws UsageError unless delta is positive and finite in f32.
std::shared_ptr<const graph::Op> huber_loss(double delta = 1);
std::shared_ptr<const graph::Op> huber_loss_gradient(double delta = 1);

}  // namespace engine::ops
