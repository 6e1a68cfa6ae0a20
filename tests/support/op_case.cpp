#include "tests/support/op_case.h"

namespace engine::test {

/// Generated from the list of ops.
void register_cases(CaseTable& table);

const CaseTable& CaseTable::global() {
  static const CaseTable table = [] {
    CaseTable cases;
    register_cases(cases);
    return cases;
  }();
  return table;
}

const std::vector<OpCase>& CaseTable::of(const std::string& op) const {
  static const std::vector<OpCase> none;
  const auto entry = by_op_.find(op);
  return entry == by_op_.end() ? none : entry->second;
}

std::vector<std::string> CaseTable::ops() const {
  std::vector<std::string> ops;
  for (const auto& [op, cases] : by_op_) ops.push_back(op);
  return ops;
}

}  // namespace engine::test
