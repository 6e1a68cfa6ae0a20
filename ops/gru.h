// Gated recurrent units, with the reset gate before or after the recurrent product; see
// kernels/gru.h.
#pragma once

#include <memory>

#include "graph/op.h"
#include "kernels/recurrent.h"

namespace engine::ops {

std::shared_ptr<const graph::Op> gru(bool reset_after, const RecurrentAttributes& attributes = {});
std::shared_ptr<const graph::Op> gru_gradient(bool reset_after,
                                              const RecurrentAttributes& attributes = {});

}  // namespace engine::ops
