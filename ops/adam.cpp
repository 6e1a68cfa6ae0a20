#include "ops/adam.h"

namespace engine::ops {

std::shared_ptr<const graph::Op> adam(const OptimizerFrame& frame, const AdamConstants& constants) {
  return optimizer_op("adam",
                      Attributes()
                          .set_untuned("beta1", constants.beta1)
                          .set_untuned("beta2", constants.beta2)
                          .set_untuned("epsilon", constants.epsilon)
                          .set_untuned("weight_decay", constants.weight_decay)
                          .set_untuned("decoupled", constants.decoupled),
                      frame, 2);
}

}  // namespace engine::ops
