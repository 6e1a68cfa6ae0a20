// Cases of mean_squared_error and its gradient.
#include "ops/mean_squared_error.h"

#include "tests/ops/loss_cases.h"

namespace engine::test {

void register_mean_squared_error_cases(CaseTable& table) {
  const PairDraw reals{"reals", kReals, kReals},
      integers{"integers", kSmallIntegers, kSmallIntegers}, specials{"specials", kSpecials, kReals};
  for (const TensorType& type : loss_types())
    for (const PairDraw& draw : {reals, integers, specials}) {
      const std::int64_t count = type.element_count();
      // The quotient is exact too where it only moves the exponent.
      const bool power = count > 0 && (count & (count - 1)) == 0;
      const bool exact = draw.name == "integers" && power;
      OpCase loss = pair_case(ops::mean_squared_error(), type, draw);
      loss.exact = exact;
      loss.gradient = draw.name == "reals" && count > 0 && count < 40;
      table.add(loss);
      OpCase gradient =
          pair_case(ops::mean_squared_error_gradient(), type, draw, {{Kind::integers, 1, 3}});
      gradient.exact = exact;
      table.add(gradient);
    }
}

}  // namespace engine::test
