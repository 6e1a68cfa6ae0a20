// Which steps of sequences count; see kernels/sequence_mask.h.
#pragma once

#include <cstdint>
#include <memory>

#include "graph/op.h"

namespace engine::ops {

/// From lengths i32[N] to u8[N, steps]. `left`: sequences are padded on the left.
std::shared_ptr<const graph::Op> sequence_mask(std::int64_t steps, bool left = false);
/// From tokens i32[N, T] to u8[N, T]: 0 where the token is `padding`.
std::shared_ptr<const graph::Op> token_mask(std::int64_t padding = 0);

}  // namespace engine::ops
