// Batch normalization; operands and formulas in kernels/batch_norm.h. Running statistics are state
// that the application's graph updates from the op's mean and variance; see
// kernels/moving_average.h.
#pragma once

#include <memory>

#include "graph/op.h"

namespace engine::ops {

// Each throws UsageError unless epsilon is positive and finite.
std::shared_ptr<const graph::Op> batch_norm(double epsilon = 1e-3);
std::shared_ptr<const graph::Op> batch_norm_gradient(double epsilon);
std::shared_ptr<const graph::Op> batch_norm_inference(double epsilon = 1e-3);
std::shared_ptr<const graph::Op> batch_norm_inference_gradient(double epsilon);

}  // namespace engine::ops
