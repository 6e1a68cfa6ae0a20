// Cases of learning_rate: every curve at its start, at its corners and far beyond its end.
#include "ops/learning_rate.h"

#include <fmt/format.h>

#include "tests/support/case_table.h"

namespace engine::test {

void register_learning_rate_cases(CaseTable& table) {
  const LearningRateAttributes curves[] = {
      {.curve = RateCurve::constant},
      {.curve = RateCurve::step, .factor = 0.1, .period = 10},
      {.curve = RateCurve::step, .factor = 0.999, .period = 1},
      {.curve = RateCurve::cosine, .factor = 0, .period = 100},
      {.curve = RateCurve::cosine, .factor = 0.01, .period = 1000000},
      {.curve = RateCurve::decay, .factor = 1e-6},
      {.curve = RateCurve::decay, .factor = 0.5}};
  for (LearningRateAttributes curve : curves)
    for (std::int64_t warmup : {0, 50})
      for (std::int64_t every : {1, 3})
        for (double step : {0.0, 1.0, 9.0, 10.0, 29.0, 30.0, 49.0, 50.0, 99.0, 100.0, 1e6, 1e9}) {
          curve.warmup = warmup;
          curve.every = every;
          const auto op = ops::learning_rate(curve);
          table.add({.name = fmt::format("{} step {}", op->attributes().to_string(), step),
                     .op = op,
                     .types = {f32({}), kScalarI64},
                     .draws = {{Kind::reals, 1e-4, 1}, {Kind::reals, step, step}}});
        }
}

}  // namespace engine::test
