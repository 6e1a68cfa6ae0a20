// accumulate_metrics: the bookkeeping at the end of a step, as one kernel. For n metrics, n <= 8:
//
//   inputs   step i64[]; totals f64[] x n; values f32[] or i32[] x n;
//            unless bad steps are ignored, predicate f32[]; where they are skipped, skipped i64[]
//   outputs  step i64[]; totals f64[] x n; where bad steps are skipped, skipped i64[]
//            (each may be its input)
//
// A good step, one whose predicate is finite: step + 1 and total_k + weight_k·value_k. A bad one is
//
//   ignored   that is, there is no predicate and every step is good
//   stopped   at: step and totals keep their values, so that the device repeats the step without
//             effect until the host looks
//   skipped   step + 1 and skipped + 1; the totals keep their values
//
// Attributes "weight_0" ... "weight_<n-1>" (real): the batch size for a mean, 1 for a count; and
// "bad_steps" (text), one of the words above.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "engine/tune/problem.h"

namespace engine {

inline constexpr int kMaxMetrics = 8;

enum class BadSteps { ignored, stopped, skipped };

/// The attributes, and where the operands are.
struct MetricsAttributes {
  std::vector<double> weights;
  BadSteps bad_steps = BadSteps::ignored;

  static MetricsAttributes from(const Attributes& attributes);
  Attributes to_attributes() const;

  bool has_predicate() const { return bad_steps != BadSteps::ignored; }
  bool has_skipped() const { return bad_steps == BadSteps::skipped; }
  std::size_t total(std::size_t k) const { return 1 + k; }  ///< input and output
  std::size_t value(std::size_t k) const { return 1 + weights.size() + k; }
  std::size_t predicate() const { return 1 + 2 * weights.size(); }
  std::size_t skipped() const { return predicate() + 1; }
  std::size_t new_skipped() const { return 1 + weights.size(); }
};

}  // namespace engine
