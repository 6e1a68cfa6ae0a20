// Lists of tensors, and cases over them: what the multi-tensor ops share.
#pragma once

#include <fmt/format.h>

#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "ops/multi_tensor.h"
#include "tests/support/case_table.h"

namespace engine::test {

inline std::vector<std::vector<TensorType>> tensor_lists() {
  std::vector<TensorType> many;
  for (std::int64_t i = 0; i < 70; ++i) many.push_back(f32({i * i % 1000}));
  return {{},
          {f32({1})},
          {f32({33})},
          {f32({0}), f32({5}), f32({0})},
          {f32({31, 33}), f32({33})},
          {f32({64, 65}), f32({65}), f32({65, 10}), f32({10})},
          many,
          {f32({784, 512}), f32({512}), f32({512, 512}), f32({512}), f32({512, 10}), f32({10})}};
}

/// A draw of one number.
inline InputDraw always(double value) {
  return {Kind::reals, value, value};
}
inline constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
inline constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Scalar operands with their draws.
struct ScalarDraw {
  DType dtype;
  InputDraw draw;
};

/// A case of a multi-tensor op over `tensors`, drawn list by list.
inline OpCase multi_tensor_case(std::string name, std::shared_ptr<const graph::Op> op,
                                const std::vector<ScalarDraw>& scalars,
                                const std::vector<TensorType>& tensors,
                                const std::vector<InputDraw>& lists) {
  OpCase test{.name = std::move(name), .op = std::move(op), .types = {}, .draws = {}};
  for (const ScalarDraw& scalar : scalars) {
    test.types.push_back({Shape{}, scalar.dtype});
    test.draws.push_back(scalar.draw);
  }
  for (const InputDraw& draw : lists)
    for (const TensorType& type : tensors) {
      test.types.push_back(type);
      test.draws.push_back(draw);
      test.large = test.large || is_large(type);
    }
  return test;
}

/// Cases of an optimizer: every list of tensors; scales that skip an update, and one that does not;
/// clipping; the first steps and late ones, several to an update. `op` makes it for a frame, and
/// each parameter has as many moments as there are draws of them.
template <class MakeOp>
void add_optimizer_cases(CaseTable& table, const std::string& name, const MakeOp& op,
                         const std::vector<InputDraw>& moments) {
  std::vector<InputDraw> lists{kReals, kReals};
  lists.insert(lists.end(), moments.begin(), moments.end());
  const auto add = [&](const std::string& what, const ops::OptimizerFrame& frame, double scale,
                       const InputDraw& step, const std::vector<TensorType>& tensors) {
    table.add(multi_tensor_case(
        fmt::format("{}: {} parameters, {}", name, tensors.size(), what), op(frame),
        {{DType::f32, {Kind::reals, 0.001, 0.1}}, {DType::f32, always(scale)}, {DType::i64, step}},
        tensors, lists));
  };
  for (const auto& tensors : tensor_lists())
    add("scale 1", {tensors.size(), 0, 1}, 1, kStep, tensors);
  const std::vector<TensorType> tensors{f32({31, 33}), f32({33}), f32({64})};
  for (double scale : {0.0, kNan, kInfinity, -kInfinity, 2.0, 1e-3})
    add(fmt::format("scale {}", scale), {3, 0, 1}, scale, kStep, tensors);
  for (double clip : {1e-3, 0.5})
    add(fmt::format("clip value {}", clip), {3, clip, 1}, 2, kStep, tensors);
  for (double step : {0.0, 1.0, 2.0, 1000.0, 1e9})
    for (std::int64_t every : {1, 4})
      add(fmt::format("step {} by {}", step, every), {3, 0, every}, 0.25, always(step), tensors);
}

}  // namespace engine::test
