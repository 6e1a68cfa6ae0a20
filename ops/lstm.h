// Long short-term memory; see kernels/lstm.h.
#pragma once

#include <memory>

#include "graph/op.h"
#include "kernels/recurrent.h"

namespace engine::ops {

std::shared_ptr<const graph::Op> lstm(const RecurrentAttributes& attributes = {});
std::shared_ptr<const graph::Op> lstm_gradient(const RecurrentAttributes& attributes = {});

}  // namespace engine::ops
