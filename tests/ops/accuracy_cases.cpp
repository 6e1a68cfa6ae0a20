// Cases of accuracy.
#include "ops/accuracy.h"
#include "tests/ops/classification_cases.h"
#include "tests/support/case_table.h"

namespace engine::test {

void register_accuracy_cases(CaseTable& table) {
  add_classification_cases(table, ops::accuracy(), [](OpCase& test) {
    test.exact = true;
    test.gradient = false;
  });
}

}  // namespace engine::test
