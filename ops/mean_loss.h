// The frame of losses that are a mean over the elements of two operands of one shape; see
// kernels/mean_loss.h.
#pragma once

#include <memory>
#include <string_view>

#include "graph/op.h"

namespace engine::ops {

struct MeanLoss {
  std::string_view name;                ///< of the op; its gradient's has "_gradient" at the end
  std::string_view prediction, target;  ///< what errors call the operands
  /// Exchanging the operands does not change the loss: the target has a gradient as well. Those of
  /// other losses must be data.
  bool symmetric;
  double flops, gradient_flops;  ///< an element
};

std::shared_ptr<const graph::Op> mean_loss(const MeanLoss& loss, const Attributes& attributes = {});
std::shared_ptr<const graph::Op> mean_loss_gradient(const MeanLoss& loss,
                                                    const Attributes& attributes = {});

}  // namespace engine::ops
