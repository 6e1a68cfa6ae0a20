#include "ops/accumulate_gradients.h"

#include <fmt/format.h>

#include "engine/core/error.h"

namespace engine::ops {

std::shared_ptr<const graph::Op> accumulate_gradients(std::size_t count, std::int64_t every) {
  if (every < 1)
    throw UsageError(fmt::format("gradients accumulated over {} steps, expected 1 or more", every));
  return multi_tensor_op("accumulate_gradients", Attributes().set_untuned("every", every),
                         {DType::i64, DType::f32}, count, 1);
}

}  // namespace engine::ops
