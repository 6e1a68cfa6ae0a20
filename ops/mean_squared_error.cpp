#include "ops/mean_squared_error.h"

#include "ops/mean_loss.h"

namespace engine::ops {
namespace {

constexpr MeanLoss kMeanSquaredError{.name = "mean_squared_error",
                                     .prediction = "the prediction",
                                     .target = "the target",
                                     .symmetric = true,
                                     .flops = 3,
                                     .gradient_flops = 2};

}  // namespace

std::shared_ptr<const graph::Op> mean_squared_error() {
  return mean_loss(kMeanSquaredError);
}
std::shared_ptr<const graph::Op> mean_squared_error_gradient() {
  return mean_loss_gradient(kMeanSquaredError);
}

}  // namespace engine::ops
