// accumulate_metrics: the bookkeeping at the end of a step, as one kernel. For n metrics:
//   inputs   step i64[], totals f64[] x n, values f32[] or i32[] x n
//   outputs  step + 1 i64[], total_k + weight_k * value_k f64[] x n (each may be its total)
// Attributes "weight_0" … "weight_<n-1>" (real): the batch size for a mean, 1 for a count. n >= 0,
// at most 8.
#pragma once

#include <vector>

#include "engine/tune/problem.h"

namespace engine {

inline constexpr int kMaxMetrics = 8;

/// The n weights of the problem.
std::vector<double> metric_weights(const Problem& problem);

}  // namespace engine
