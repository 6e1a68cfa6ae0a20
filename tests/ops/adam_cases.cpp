// Cases of adam.
#include "ops/adam.h"

#include "tests/ops/optimizer_cases.h"

namespace engine::test {

void register_adam_cases(CaseTable& table) {
  const auto add = [&](const std::string& name, const ops::AdamConstants& constants,
                       double largest_moment) {
    add_optimizer_cases(
        table, name, [&](const ops::OptimizerFrame& frame) { return ops::adam(frame, constants); },
        {kReals, {Kind::reals, 0, largest_moment}});
  };
  add("plain", {}, 1);
  add("small moments", {}, 1e-6);
  add("no memory", {.beta1 = 0, .beta2 = 0}, 1);
  add("weight decay", {.weight_decay = 0.01}, 1);
  add("decoupled", {.weight_decay = 0.01, .decoupled = true}, 1);
}

}  // namespace engine::test
