// Cases of softmax_cross_entropy and its gradient.
#include "ops/softmax_cross_entropy.h"
#include "tests/ops/classification_cases.h"
#include "tests/support/case_table.h"

namespace engine::test {

void register_softmax_cross_entropy_cases(CaseTable& table) {
  add_classification_cases(table, ops::softmax_cross_entropy(), [](OpCase&) {});
  add_classification_cases(table, ops::softmax_cross_entropy_gradient(), [](OpCase& test) {
    test.gradient = false;
    test.types.push_back(f32({}));
    test.draws.push_back({Kind::reals, 0.5, 2});
  });
}

}  // namespace engine::test
