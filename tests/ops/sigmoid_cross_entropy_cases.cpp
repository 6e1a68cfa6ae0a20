// Cases of sigmoid_cross_entropy and its gradient.
#include "ops/sigmoid_cross_entropy.h"

#include "tests/ops/loss_cases.h"

namespace engine::test {

void register_sigmoid_cross_entropy_cases(CaseTable& table) {
  const InputDraw zero_or_one{Kind::integers, 0, 2}, probability{Kind::reals, 0, 1};
  const PairDraw ordinary{"ordinary", {Kind::reals, -5, 5}, zero_or_one},
      wide{"wide", {Kind::reals, -300, 300}, probability},
      specials{"specials", kSpecials, zero_or_one},
      special_targets{"special targets", kReals, kSpecials};
  for (const TensorType& type : loss_types())
    for (const PairDraw& draw : {ordinary, wide, specials, special_targets}) {
      const std::int64_t count = type.element_count();
      OpCase loss = pair_case(ops::sigmoid_cross_entropy(), type, draw);
      loss.gradient = draw.name == "ordinary" && count > 0 && count < 40;
      table.add(loss);
      table.add(
          pair_case(ops::sigmoid_cross_entropy_gradient(), type, draw, {{Kind::reals, 0.5, 2}}));
    }
}

}  // namespace engine::test
