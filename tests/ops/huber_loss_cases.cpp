// Cases of huber_loss and its gradient. Reals are up to 2 apart: deltas on either side of most of
// them, and one that all are within.
#include "ops/huber_loss.h"

#include <fmt/format.h>

#include "tests/ops/loss_cases.h"

namespace engine::test {

void register_huber_loss_cases(CaseTable& table) {
  const InputDraw wide{Kind::reals, -1000, 1000};
  for (const TensorType& type : loss_types())
    for (const PairDraw& draw : {PairDraw{"reals", kReals, kReals}, PairDraw{"wide", wide, kReals},
                                 PairDraw{"integers", kSmallIntegers, kSmallIntegers},
                                 PairDraw{"specials", kSpecials, kReals}})
      for (double delta : {0.25, 1.0, 8.0}) {
        const std::int64_t count = type.element_count();
        // The quotient is exact too where it only moves the exponent.
        const bool power = count > 0 && (count & (count - 1)) == 0;
        const auto add = [&](const std::shared_ptr<const graph::Op>& op, bool gradient,
                             const std::vector<InputDraw>& more) {
          OpCase test = pair_case(op, type, draw, more);
          test.name += fmt::format(", delta {}", delta);
          test.exact = draw.name == "integers" && power;
          test.gradient = gradient;
          table.add(std::move(test));
        };
        add(ops::huber_loss(delta), draw.name == "reals" && count > 0 && count < 40, {});
        add(ops::huber_loss_gradient(delta), false, {{Kind::integers, 1, 3}});
      }
}

}  // namespace engine::test
