// Cases of adadelta.
#include "ops/adadelta.h"

#include "tests/ops/optimizer_cases.h"

namespace engine::test {

void register_adadelta_cases(CaseTable& table) {
  const auto add = [&](const std::string& name, const ops::AdadeltaConstants& constants,
                       double largest_moment) {
    add_optimizer_cases(
        table, name,
        [&](const ops::OptimizerFrame& frame) { return ops::adadelta(frame, constants); },
        {{Kind::reals, 0, largest_moment}, {Kind::reals, 0, largest_moment}});
  };
  add("plain", {}, 1);
  add("small moments", {}, 1e-6);
  add("weight decay", {.weight_decay = 0.01}, 1);
}

}  // namespace engine::test
