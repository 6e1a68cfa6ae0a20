// What the multi-tensor ops share: operands as in kernels/multi_tensor.h, every output in place.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "graph/op.h"

namespace engine::ops {

/// An op called `name` over `count` tensors with `states` states each, behind these scalars.
std::shared_ptr<const graph::Op> multi_tensor_op(const std::string& name, Attributes attributes,
                                                 std::vector<DType> scalars, std::size_t count,
                                                 std::size_t states);

/// What all optimizers take beside the constants of their rule; see kernels/optimizer.h.
struct OptimizerFrame {
  std::size_t count = 0;  ///< of parameters
  double clip_value = 0;
  std::int64_t every = 1;
};

/// The optimizer op called `name` with `moments` moments a parameter.
std::shared_ptr<const graph::Op> optimizer_op(const std::string& name, Attributes attributes,
                                              const OptimizerFrame& frame, std::size_t moments);

}  // namespace engine::ops
