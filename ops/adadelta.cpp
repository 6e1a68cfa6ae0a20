#include "ops/adadelta.h"

namespace engine::ops {

std::shared_ptr<const graph::Op> adadelta(const OptimizerFrame& frame,
                                          const AdadeltaConstants& constants) {
  return optimizer_op("adadelta",
                      Attributes()
                          .set_untuned("rho", constants.rho)
                          .set_untuned("epsilon", constants.epsilon)
                          .set_untuned("weight_decay", constants.weight_decay),
                      frame, 2);
}

}  // namespace engine::ops
