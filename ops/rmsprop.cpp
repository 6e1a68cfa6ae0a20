#include "ops/rmsprop.h"

namespace engine::ops {

std::shared_ptr<const graph::Op> rmsprop(const OptimizerFrame& frame,
                                         const RmspropConstants& constants) {
  return optimizer_op("rmsprop",
                      Attributes()
                          .set_untuned("rho", constants.rho)
                          .set_untuned("epsilon", constants.epsilon)
                          .set_untuned("weight_decay", constants.weight_decay),
                      frame, 1);
}

}  // namespace engine::ops
