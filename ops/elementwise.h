// Element-wise functions of one operand; see the table in kernels/elementwise.h.
#pragma once

#include <memory>
#include <string_view>

#include "graph/op.h"

namespace engine::ops {

using OpPointer = std::shared_ptr<const graph::Op>;

/// The function of that name; throws UsageError for one that is not in the table.
OpPointer elementwise(std::string_view name, Attributes attributes = {});
/// Its gradient: dy and what the row says it reads. Throws UsageError for a function whose gradient
/// reads nothing.
OpPointer elementwise_gradient(std::string_view name, Attributes attributes = {});

OpPointer relu();
/// `scale` is 1, or 1 / (1 - rate) when a drop-out after the ReLU shares its mask.
OpPointer relu_gradient(double scale = 1);
OpPointer leaky_relu(double alpha = 0.01);  ///< alpha·x below 0
OpPointer elu(double alpha = 1);            ///< alpha·(exp(x) - 1) below 0
OpPointer tanh();
OpPointer sigmoid();
OpPointer hard_sigmoid();  ///< 0.2 x + 0.5 between 0 and 1
OpPointer softplus();
OpPointer gelu();
OpPointer gelu_tanh();
OpPointer silu();
/// x·scale + shift.
OpPointer scale_shift(double scale, double shift = 0);
OpPointer negate();

}  // namespace engine::ops
