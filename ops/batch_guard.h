// Whether a step is one of those that a program serves; see kernels/batch_guard.h.
#pragma once

#include <memory>

#include "graph/op.h"
#include "kernels/batch_guard.h"

namespace engine::ops {

std::shared_ptr<const graph::Op> batch_guard(const BatchGuardAttributes& attributes);

}  // namespace engine::ops
