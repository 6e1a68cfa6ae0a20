#include "ops/sigmoid_cross_entropy.h"

#include "ops/mean_loss.h"

namespace engine::ops {
namespace {

// Product, exponential, logarithm and three sums; exponential, sum, quotient, difference and
// product.
constexpr MeanLoss kSigmoidCrossEntropy{.name = "sigmoid_cross_entropy",
                                        .prediction = "the logits",
                                        .target = "the targets",
                                        .symmetric = false,
                                        .flops = 6,
                                        .gradient_flops = 5};

}  // namespace

std::shared_ptr<const graph::Op> sigmoid_cross_entropy() {
  return mean_loss(kSigmoidCrossEntropy);
}
std::shared_ptr<const graph::Op> sigmoid_cross_entropy_gradient() {
  return mean_loss_gradient(kSigmoidCrossEntropy);
}

}  // namespace engine::ops
