// Cases of adagrad.
#include "ops/adagrad.h"

#include "tests/ops/optimizer_cases.h"

namespace engine::test {

void register_adagrad_cases(CaseTable& table) {
  const auto add = [&](const std::string& name, const ops::AdagradConstants& constants,
                       double largest_moment) {
    add_optimizer_cases(
        table, name,
        [&](const ops::OptimizerFrame& frame) { return ops::adagrad(frame, constants); },
        {{Kind::reals, 0, largest_moment}});
  };
  add("plain", {}, 100);
  add("first steps", {}, 0);
  add("weight decay", {.weight_decay = 0.01}, 1);
}

}  // namespace engine::test
