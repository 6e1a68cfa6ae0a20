// Cases of binary_accuracy.
#include "ops/binary_accuracy.h"

#include "tests/ops/loss_cases.h"

namespace engine::test {

void register_binary_accuracy_cases(CaseTable& table) {
  const InputDraw zero_or_one{Kind::integers, 0, 2}, halves{Kind::integers, -1, 2};
  for (const TensorType& type : loss_types())
    for (const PairDraw& draw :
         {PairDraw{"ordinary", kReals, zero_or_one}, PairDraw{"at zero", halves, zero_or_one},
          PairDraw{"probabilities", kReals, {Kind::reals, 0, 1}},
          PairDraw{"special logits", kSpecials, zero_or_one},
          PairDraw{"special targets", kReals, kSpecials}}) {
      OpCase test = pair_case(ops::binary_accuracy(), type, draw);
      test.exact = true;
      table.add(test);
    }
}

}  // namespace engine::test
