#include "ops/huber_loss.h"

#include <fmt/format.h>

#include <limits>

#include "engine/core/error.h"
#include "ops/mean_loss.h"

namespace engine::ops {
namespace {

constexpr MeanLoss kHuberLoss{.name = "huber_loss",
                              .prediction = "the prediction",
                              .target = "the target",
                              .symmetric = true,
                              .flops = 6,
                              .gradient_flops = 4};

Attributes with_delta(double delta) {
  using Limits = std::numeric_limits<float>;
  if (!(delta >= Limits::min() && delta <= Limits::max()))
    throw UsageError(
        fmt::format("the delta of huber_loss is {}, expected a positive finite f32", delta));
  return Attributes().set_untuned("delta", delta);
}

}  // namespace

std::shared_ptr<const graph::Op> huber_loss(double delta) {
  return mean_loss(kHuberLoss, with_delta(delta));
}
std::shared_ptr<const graph::Op> huber_loss_gradient(double delta) {
  return mean_loss_gradient(kHuberLoss, with_delta(delta));
}

}  // namespace engine::ops
