// Cases of accumulate_gradients: at the start of an update, inside and at its end, good and bad.
#include "ops/accumulate_gradients.h"

#include "tests/ops/optimizer_cases.h"

namespace engine::test {

void register_accumulate_gradients_cases(CaseTable& table) {
  const auto add = [&](const std::vector<TensorType>& tensors, std::int64_t step, double predicate,
                       const InputDraw& sums, const InputDraw& gradients) {
    table.add(multi_tensor_case(
        fmt::format("{} tensors, step {} of 4, predicate {}{}{}", tensors.size(), step, predicate,
                    sums.kind == Kind::specials ? ", special sums" : "",
                    gradients.kind == Kind::specials ? ", special gradients" : ""),
        ops::accumulate_gradients(tensors.size(), 4),
        {{DType::i64, always(static_cast<double>(step))}, {DType::f32, always(predicate)}}, tensors,
        {sums, gradients}));
  };
  for (const auto& tensors : tensor_lists()) add(tensors, 5, 1, kReals, kReals);
  const std::vector<TensorType> tensors{f32({31, 33}), f32({33}), f32({64})};
  for (std::int64_t step : {0, 1, 3, 4, 1000}) {
    add(tensors, step, 1, kReals, kReals);
    add(tensors, step, 0, kReals, kReals);
    for (double predicate : {kNan, kInfinity}) add(tensors, step, predicate, kReals, kSpecials);
  }
  // What an update left in the sums is gone.
  add(tensors, 8, 1, kSpecials, kReals);
}

}  // namespace engine::test
