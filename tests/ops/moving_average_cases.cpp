// Cases of moving_average.
#include "ops/moving_average.h"

#include "tests/ops/optimizer_cases.h"

namespace engine::test {

void register_moving_average_cases(CaseTable& table) {
  const auto add = [&](const std::vector<TensorType>& tensors, double momentum, double predicate,
                       const InputDraw& values) {
    table.add(multi_tensor_case(
        fmt::format("{} tensors, momentum {}, predicate {}{}", tensors.size(), momentum, predicate,
                    values.kind == Kind::specials ? ", special values" : ""),
        ops::moving_average(tensors.size(), momentum), {{DType::f32, always(predicate)}}, tensors,
        {kReals, values}));
  };
  for (const auto& tensors : tensor_lists()) add(tensors, 0.99, 1, kReals);
  const std::vector<TensorType> tensors{f32({31, 33}), f32({33}), f32({64})};
  for (double momentum : {0.0, 0.9, 1.0})
    for (double predicate : {0.0, 0.5}) add(tensors, momentum, predicate, kReals);
  for (double predicate : {kNan, kInfinity}) add(tensors, 0.9, predicate, kSpecials);
}

}  // namespace engine::test
