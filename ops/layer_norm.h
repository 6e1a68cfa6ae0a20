// Layer normalization; operands and formulas in kernels/layer_norm.h.
#pragma once

#include <memory>

#include "graph/op.h"

namespace engine::ops {

/// Throws UsageError unless epsilon is positive and finite.
std::shared_ptr<const graph::Op> layer_norm(double epsilon = 1e-5);
std::shared_ptr<const graph::Op> layer_norm_input_gradient();
std::shared_ptr<const graph::Op> layer_norm_parameter_gradient();

}  // namespace engine::ops
