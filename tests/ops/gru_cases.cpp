// Cases of both grus and their gradients; see recurrent_cases.h.
#include "kernels/gru.h"

#include "ops/gru.h"
#include "tests/ops/recurrent_cases.h"

namespace engine::test {
namespace {

template <bool reset_after>
void add(CaseTable& table, const RecurrentCell& cell) {
  RecurrentCases(
      table, cell, [](const RecurrentAttributes& a) { return ops::gru(reset_after, a); },
      [](const RecurrentAttributes& a) { return ops::gru_gradient(reset_after, a); })
      .add_all();
}

}  // namespace

void register_gru_cases(CaseTable& table) {
  add<false>(table, kGru);
  add<true>(table, kGruResetAfter);
}

}  // namespace engine::test
