#include "ops/sgd.h"

#include "ops/optimizer.h"

namespace engine::ops {

std::shared_ptr<const graph::Op> sgd(std::size_t count, double momentum) {
  return optimizer_op("sgd", Attributes().set_untuned("momentum", momentum), count,
                      momentum > 0 ? 1 : 0);
}

}  // namespace engine::ops
