// Cases of the element-wise functions of two operands: equal shapes of every size, and pairs that
// broadcast in every way.
#include <fmt/format.h>

#include "graph/op.h"
#include "ops/binary.h"
#include "tests/support/case_table.h"

namespace engine::test {
namespace {

struct Pair {
  Shape a, b;
};

std::vector<Pair> pairs() {
  std::vector<Pair> all;
  for (const TensorType& type : elementwise_types()) all.push_back({type.shape, type.shape});
  const std::vector<Pair> broadcast{
      {{4, 33}, {33}},  // a row vector, odd and in fours
      {{64, 128}, {128}},
      {{128}, {31, 128}},
      {{7, 10}, {10}},
      {{33}, {1}},  // a scalar, either way
      {{5, 64}, {}},
      {{}, {65}},
      {{8, 1}, {8, 33}},  // a column
      {{8, 64}, {8, 1}},
      {{1, 64}, {32, 1}},  // both repeat
      {{3, 1, 5}, {1, 4, 1}},
      {{2, 3, 4, 5}, {3, 1, 5}},
      {{2, 3, 4, 4}, {1, 3, 1, 1}},                          // by channel
      {{2, 1, 3, 1, 2, 1, 2, 1}, {1, 2, 1, 2, 1, 3, 1, 2}},  // nothing can be joined
      {{0, 3}, {3}},
      {{2, 1, 0}, {4, 1}},
      {{3, 5000}, {3, 1}},
      {{4097, 2}, {2}},
      {{256, 512}, {512}},
      {{30000}, {1}}};
  all.insert(all.end(), broadcast.begin(), broadcast.end());
  return all;
}

struct Function {
  std::shared_ptr<const graph::Op> op;
  bool has_gradient = true;
  InputDraw b = kReals;        ///< of the second operand
  bool takes_integers = true;  ///< and is exact on them
};

void add_cases(CaseTable& table, const Function& function, const Pair& pair,
               DType dtype = DType::f32) {
  const bool narrow = dtype == DType::bf16;
  const std::string name =
      fmt::format("{} and {}{}", pair.a.to_string(), pair.b.to_string(), narrow ? " bf16" : "");
  OpCase test{.name = name + " reals",
              .op = function.op,
              .types = {{pair.a, dtype}, {pair.b, dtype}},
              .draws = {kReals, function.b}};
  const std::int64_t count = test.problem().outputs[0].element_count();
  test.large = is_large(test.problem().outputs[0]);
  test.gradient = !narrow && function.has_gradient && count > 0 && count <= 100;
  table.add(test);
  test.gradient = false;
  if (function.takes_integers) {
    test.name = name + " integers";
    test.draws = {kSmallIntegers, kSmallIntegers};
    test.exact = true;
    table.add(test);
    test.exact = false;
  }
  test.name = name + " specials";
  test.draws = {kSpecials, function.takes_integers ? kSpecials : function.b};
  table.add(test);
}

}  // namespace

void register_binary_cases(CaseTable& table) {
  const InputDraw away_from_zero{Kind::reals, 0.5, 2};
  for (const Function& function :
       {Function{ops::add()}, Function{ops::subtract()}, Function{ops::multiply()},
        Function{ops::maximum()}, Function{ops::minimum()}, Function{ops::greater_equal(), false},
        Function{ops::less(), false}, Function{ops::divide(), true, away_from_zero, false}}) {
    for (const Pair& pair : pairs()) add_cases(table, function, pair);
    for (std::int64_t size : {1, 33, 1000, 4097})
      add_cases(table, function, {{size}, {size}}, DType::bf16);
  }
  // The sum that the compiler emits.
  table.add({.name = "of gradients",
             .op = graph::make_add(),
             .types = {f32({5, 13}), f32({5, 13})},
             .draws = {kReals, kReals},
             .gradient = true});
}

}  // namespace engine::test
