// Adam over the rows of a table that a step uses; see kernels/deferred_adam.h. `attributes` are
// those of an adam node (ops/adam.h) with an update every step.
#pragma once

#include <memory>

#include "graph/op.h"

namespace engine::ops {

/// Operands: recorded, history, applied, numbers, table x 3.
std::shared_ptr<const graph::Op> deferred_adam_rows(const Attributes& attributes);
/// Operands: rate, scale, step, recorded, history, applied, places, table x 3, gradient, rows x 3.
std::shared_ptr<const graph::Op> deferred_adam(const Attributes& attributes);
/// Operands: recorded, history, applied, table x 3.
std::shared_ptr<const graph::Op> deferred_adam_settle(const Attributes& attributes);

}  // namespace engine::ops
