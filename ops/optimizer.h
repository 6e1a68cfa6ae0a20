// What the multi-tensor optimizer ops share: operands as in kernels/optimizer.h, every output in
// place.
#pragma once

#include <memory>
#include <string>

#include "graph/op.h"

namespace engine::ops {

/// An op called `name` over `count` parameters with `moments` moments for each.
std::shared_ptr<const graph::Op> optimizer_op(const std::string& name, Attributes attributes,
                                              std::size_t count, std::size_t moments);

}  // namespace engine::ops
