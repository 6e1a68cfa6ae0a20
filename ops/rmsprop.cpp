#include "ops/rmsprop.h"

#include "ops/optimizer.h"

namespace engine::ops {

std::shared_ptr<const graph::Op> rmsprop(std::size_t count, double rho, double epsilon) {
  return optimizer_op(
      "rmsprop", Attributes().set_untuned("rho", rho).set_untuned("epsilon", epsilon), count, 1);
}

}  // namespace engine::ops
