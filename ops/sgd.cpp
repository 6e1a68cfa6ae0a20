#include "ops/sgd.h"

namespace engine::ops {

std::shared_ptr<const graph::Op> sgd(const OptimizerFrame& frame, const SgdConstants& constants) {
  return optimizer_op("sgd",
                      Attributes()
                          .set_untuned("momentum", constants.momentum)
                          .set_untuned("nesterov", constants.nesterov)
                          .set_untuned("weight_decay", constants.weight_decay),
                      frame, constants.momentum != 0 ? 1 : 0);
}

}  // namespace engine::ops
