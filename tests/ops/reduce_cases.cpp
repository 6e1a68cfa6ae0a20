// Cases of reductions: lengths around warps, blocks, chunks and segments, in the innermost axis and
// before it.
#include <fmt/format.h>

#include "ops/reduce.h"
#include "tests/support/case_table.h"

namespace engine::test {
namespace {

struct Reduction {
  Shape shape;
  int axis, count;
};

std::vector<Reduction> reductions() {
  std::vector<Reduction> all;
  for (std::int64_t length : {0, 1, 2, 31, 32, 33, 127, 255, 256, 257, 1000, 4096, 4097, 9000})
    all.push_back({{length}, 0, 1});
  for (std::int64_t length : {1, 5, 33, 256, 300, 4097}) all.push_back({{3, length}, 1, 1});
  for (std::int64_t columns : {2, 10, 31, 32, 33, 64})
    for (std::int64_t rows : {1, 7, 33}) all.push_back({{rows, columns}, 0, 1});
  const std::vector<Reduction> more{
      {{}, 0, 0},          {{5}, 0, 0},        {{2, 3, 4}, 0, 3},    {{2, 3, 4}, 1, 1},
      {{2, 3, 4}, 0, 2},   {{2, 3, 4}, 1, 2},  {{2, 3, 5, 7}, 2, 2}, {{2, 3, 5, 7}, 1, 2},
      {{4, 0, 3}, 1, 1},   {{0, 4}, 1, 1},     {{4, 0}, 0, 1},       {{4100, 3}, 0, 1},
      {{2, 4500}, 1, 1},   {{70, 259}, 0, 1},  {{33, 100}, 1, 1},    {{200000}, 0, 1},
      {{60000, 10}, 0, 1}, {{128, 512}, 0, 1}, {{512, 784}, 1, 1},   {{64, 50, 256}, 0, 1}};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

void add_reduction(CaseTable& table, const Reduction& reduction, ReduceKind kind, bool keepdims) {
  const TensorType type = f32(reduction.shape);
  OpCase test{.name = {},
              .op = ops::reduce({kind, reduction.axis, reduction.count, keepdims}),
              .types = {type},
              .draws = {kReals},
              .exact = kind == ReduceKind::max,
              .large = is_large(type)};
  const std::string name =
      fmt::format("{} {}", type.to_string(), test.op->attributes().to_string());
  const std::int64_t results = test.problem().outputs[0].element_count();
  // The mean of nothing, and the maximum, have no derivative.
  test.gradient = type.element_count() <= 130 && type.element_count() > 0 && results > 0;
  test.name = name + " reals";
  table.add(test);
  test.gradient = false;
  if (kind == ReduceKind::sum) {
    test.name = name + " integers";
    test.draws = {kSmallIntegers};
    test.exact = true;
    table.add(test);
  }
  if (kind == ReduceKind::mean) {
    test.name = name + " of one sign";
    test.draws = {{Kind::reals, 0.5, 1}};
    table.add(test);
  }
  test.exact = kind == ReduceKind::max;
  test.name = name + " specials";
  test.draws = {kSpecials};
  table.add(test);
}

// With ties; y is not always among x, and then nothing gets the gradient.
void add_max_gradient(CaseTable& table, const Reduction& reduction, bool keepdims) {
  const OpCase forward{
      .name = {},
      .op = ops::reduce({ReduceKind::max, reduction.axis, reduction.count, keepdims}),
      .types = {f32(reduction.shape)},
      .draws = {kReals}};
  const TensorType y = forward.problem().outputs[0];
  for (const InputDraw& draw : {kSmallIntegers, kSpecials})
    table.add({.name = fmt::format("{} {}{}", reduction.shape.to_string(),
                                   forward.op->attributes().to_string(),
                                   draw.kind == Kind::specials ? " specials" : " ties"),
               .op = ops::reduce_max_gradient(
                   {ReduceKind::max, reduction.axis, reduction.count, keepdims}),
               .types = {y, forward.types[0], y},
               .draws = {kReals, draw, draw},
               .exact = true,
               .large = is_large(forward.types[0])});
}

}  // namespace

void register_reduce_cases(CaseTable& table) {
  bool keepdims = false;
  for (const Reduction& reduction : reductions()) {
    for (ReduceKind kind : {ReduceKind::sum, ReduceKind::mean, ReduceKind::max})
      add_reduction(table, reduction, kind, keepdims);
    add_max_gradient(table, reduction, keepdims);
    keepdims = !keepdims;
  }
}

}  // namespace engine::test
