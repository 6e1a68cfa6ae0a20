// A fully connected layer with a fused epilogue; operands and formulas in kernels/dense.h.
#pragma once

#include <memory>

#include "graph/op.h"
#include "kernels/dense.h"

namespace engine::ops {

std::shared_ptr<const graph::Op> dense(const DenseAttributes& attributes = {});
std::shared_ptr<const graph::Op> dense_input_gradient();
std::shared_ptr<const graph::Op> dense_weight_gradient();

}  // namespace engine::ops
