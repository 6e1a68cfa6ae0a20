#include "ops/adagrad.h"

namespace engine::ops {

std::shared_ptr<const graph::Op> adagrad(const OptimizerFrame& frame,
                                         const AdagradConstants& constants) {
  return optimizer_op("adagrad",
                      Attributes()
                          .set_untuned("epsilon", constants.epsilon)
                          .set_untuned("weight_decay", constants.weight_decay),
                      frame, 1);
}

}  // namespace engine::ops
