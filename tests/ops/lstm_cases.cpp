// Cases of lstm and its gradient; see recurrent_cases.h.
#include "kernels/lstm.h"

#include "ops/lstm.h"
#include "tests/ops/recurrent_cases.h"

namespace engine::test {

void register_lstm_cases(CaseTable& table) {
  RecurrentCases(table, kLstm, ops::lstm, ops::lstm_gradient).add_all();
}

}  // namespace engine::test
