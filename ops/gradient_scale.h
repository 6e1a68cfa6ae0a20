// What a step's gradients are worth: finite, clipped, averaged; see kernels/gradient_scale.h.
#pragma once

#include <memory>

#include "graph/op.h"
#include "kernels/gradient_scale.h"

namespace engine::ops {

std::shared_ptr<const graph::Op> gradient_scale(const GradientScaleAttributes& attributes);

}  // namespace engine::ops
