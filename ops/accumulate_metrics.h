// Running sums of metrics and the step counter; see kernels/accumulate_metrics.h.
#pragma once

#include <memory>
#include <vector>

#include "graph/op.h"
#include "kernels/accumulate_metrics.h"

namespace engine::ops {

/// One weight a metric; at most kMaxMetrics.
std::shared_ptr<const graph::Op> accumulate_metrics(const std::vector<double>& weights,
                                                    BadSteps bad_steps = BadSteps::ignored);

}  // namespace engine::ops
