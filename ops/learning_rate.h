// Schedules of the learning rate; see kernels/learning_rate.h.
#pragma once

#include <memory>

#include "graph/op.h"
#include "kernels/learning_rate.h"

namespace engine::ops {

std::shared_ptr<const graph::Op> learning_rate(const LearningRateAttributes& attributes);

}  // namespace engine::ops
