// Cases of rmsprop.
#include "ops/rmsprop.h"

#include "tests/ops/optimizer_cases.h"

namespace engine::test {

void register_rmsprop_cases(CaseTable& table) {
  const auto add = [&](const std::string& name, const ops::RmspropConstants& constants,
                       double largest_moment) {
    add_optimizer_cases(
        table, name,
        [&](const ops::OptimizerFrame& frame) { return ops::rmsprop(frame, constants); },
        {{Kind::reals, 0, largest_moment}});
  };
  add("plain", {}, 1);
  add("small moments", {}, 1e-6);
  add("weight decay", {.rho = 0.99, .weight_decay = 0.01}, 1);
}

}  // namespace engine::test
