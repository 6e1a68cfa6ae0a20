#include "ops/moving_average.h"

#include <fmt/format.h>

#include "engine/core/error.h"

namespace engine::ops {

std::shared_ptr<const graph::Op> moving_average(std::size_t count, double momentum) {
  if (!(momentum >= 0 && momentum <= 1))
    throw UsageError(
        fmt::format("momentum {} of a moving average, expected one in [0, 1]", momentum));
  return multi_tensor_op("moving_average", Attributes().set_untuned("momentum", momentum),
                         {DType::f32}, count, 1);
}

}  // namespace engine::ops
