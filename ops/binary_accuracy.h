// The number of yes-or-no answers that are right; see kernels/binary_accuracy.h.
#pragma once

#include <memory>

#include "graph/op.h"

namespace engine::ops {

std::shared_ptr<const graph::Op> binary_accuracy();

}  // namespace engine::ops
