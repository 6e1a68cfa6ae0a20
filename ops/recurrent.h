// What lstm and gru share: shapes, the gradient, and the rewrite that keeps no gates where nobody
// reads them. See kernels/recurrent.h.
#pragma once

#include <memory>

#include "graph/op.h"
#include "kernels/recurrent.h"

namespace engine::ops {

/// `cell` must outlive the op.
std::shared_ptr<const graph::Op> recurrent(const RecurrentCell& cell,
                                           const RecurrentAttributes& attributes);
std::shared_ptr<const graph::Op> recurrent_gradient(const RecurrentCell& cell,
                                                    const RecurrentAttributes& attributes);

}  // namespace engine::ops
