// Cases of sgd.
#include "ops/sgd.h"

#include "tests/ops/optimizer_cases.h"

namespace engine::test {

void register_sgd_cases(CaseTable& table) {
  const auto add = [&](const std::string& name, const ops::SgdConstants& constants) {
    add_optimizer_cases(
        table, name, [&](const ops::OptimizerFrame& frame) { return ops::sgd(frame, constants); },
        std::vector<InputDraw>(constants.momentum > 0 ? 1 : 0));
  };
  add("plain", {});
  add("weight decay", {.weight_decay = 0.01});
  add("momentum", {.momentum = 0.9});
  add("nesterov, weight decay", {.momentum = 0.9, .nesterov = true, .weight_decay = 0.01});
}

}  // namespace engine::test
