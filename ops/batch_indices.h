// Which observations a batch holds; see kernels/batch_indices.h.
#pragma once

#include <memory>

#include "graph/op.h"
#include "kernels/batch_indices.h"

namespace engine::ops {

/// `size` entries, at most attributes.batch: fewer in the program for an epoch's last batch.
std::shared_ptr<const graph::Op> batch_indices(const BatchIndicesAttributes& attributes,
                                               std::int64_t size);

}  // namespace engine::ops
