// Tokens numbered by those that differ; see kernels/renumber_tokens.h.
#pragma once

#include <memory>

#include "graph/op.h"

namespace engine::ops {

/// Results: rows, numbers, places.
std::shared_ptr<const graph::Op> renumber_tokens(std::int64_t vocabulary);

}  // namespace engine::ops
