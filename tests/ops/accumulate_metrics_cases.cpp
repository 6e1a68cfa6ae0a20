// Cases of accumulate_metrics: good steps, and bad ones that stop or are skipped.
#include "ops/accumulate_metrics.h"

#include <fmt/format.h>

#include <limits>

#include "tests/support/case_table.h"

namespace engine::test {
namespace {

OpCase metrics_case(int n, BadSteps bad_steps, double predicate) {
  MetricsAttributes metrics{{}, bad_steps};
  OpCase test{
      .name = fmt::format("{} metrics", n), .op = {}, .types = {kScalarI64}, .draws = {kStep}};
  for (int k = 0; k < n; ++k) {
    metrics.weights.push_back(k % 2 == 0 ? 128.0 : 1.0);
    test.types.push_back({Shape{}, DType::f64});
    test.draws.push_back({Kind::reals, 0, 1e6});
  }
  for (int k = 0; k < n; ++k) {
    test.types.push_back(k % 2 == 0 ? f32({}) : i32({}));
    test.draws.push_back({Kind::reals, 0, 100});
  }
  if (metrics.has_predicate()) {
    test.name += fmt::format(", {}, predicate {}",
                             bad_steps == BadSteps::stopped ? "stopped" : "skipped", predicate);
    test.types.push_back(f32({}));
    test.draws.push_back({Kind::reals, predicate, predicate});
  }
  if (metrics.has_skipped()) {
    test.types.push_back(kScalarI64);
    test.draws.push_back(kStep);
  }
  test.op = ops::accumulate_metrics(metrics.weights, bad_steps);
  return test;
}

}  // namespace

void register_accumulate_metrics_cases(CaseTable& table) {
  using Limits = std::numeric_limits<double>;
  for (int n : {0, 1, 2, 3, kMaxMetrics}) {
    table.add(metrics_case(n, BadSteps::ignored, 0));
    for (BadSteps bad_steps : {BadSteps::stopped, BadSteps::skipped})
      for (double predicate : {0.0, 0.25, Limits::quiet_NaN(), -Limits::infinity()})
        table.add(metrics_case(n, bad_steps, predicate));
  }
}

}  // namespace engine::test
