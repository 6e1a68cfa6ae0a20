// Cases of embedding and its gradient.
#include "ops/embedding.h"

#include <fmt/format.h>

#include "tests/support/case_table.h"

namespace engine::test {
namespace {

struct Case {
  Shape tokens;
  std::int64_t vocabulary, width;
  double stray = 0;  ///< tokens out of range on either side
  InputDraw values = kReals;
  const char* name = "";
};

void add(CaseTable& table, const Case& n, DType dtype) {
  std::vector<std::int64_t> extents(n.tokens.extents().begin(), n.tokens.extents().end());
  extents.push_back(n.width);
  const TensorType rows{Shape(extents), dtype};
  const std::string name =
      fmt::format("{} of {}x{} {}{} {}", n.tokens.to_string(), n.vocabulary, n.width,
                  dtype_name(dtype), n.stray > 0 ? " stray" : "", n.name);
  const InputDraw tokens{Kind::integers, -n.stray, static_cast<double>(n.vocabulary) + n.stray};
  const bool large = rows.shape.element_count() + n.vocabulary * n.width > 20000;
  table.add({.name = name,
             .op = ops::embedding(dtype),
             .types = {f32({n.vocabulary, n.width}), i32(n.tokens)},
             .draws = {n.values, tokens},
             .exact = dtype == DType::f32,
             .large = large,
             .gradient = dtype == DType::f32 && n.values.kind == Kind::reals && n.width > 0 &&
                         n.tokens.element_count() > 0 && rows.shape.element_count() < 100});
  table.add({.name = name,
             .op = ops::embedding_gradient(n.vocabulary),
             .types = {rows, i32(n.tokens)},
             .draws = {n.values, tokens},
             .exact = n.values.kind == Kind::integers,
             .large = large});
}

}  // namespace

void register_embedding_cases(CaseTable& table) {
  for (DType dtype : {DType::f32, DType::bf16}) {
    for (const Case& n : std::vector<Case>{{{0}, 5, 4},
                                           {{1}, 1, 1},
                                           {{7}, 1, 3},
                                           {{2, 3}, 5, 4},
                                           {{2, 3}, 4, 3, 2},
                                           {{2, 3, 2}, 4, 5, 1},
                                           {{3}, 5, 0},
                                           {{0, 6}, 3, 2}})
      add(table, n, dtype);
    for (std::int64_t width : {31, 32, 33, 64, 65, 125, 128})
      for (std::int64_t tokens : {31, 32, 33, 130}) add(table, {{tokens}, 40, width, 3}, dtype);
    add(table, {{4, 9}, 7, 33, 2, kSmallIntegers, "integers"}, dtype);
    add(table, {{40}, 7, 36, 0, kSpecials, "specials"}, dtype);
    add(table, {{600}, 3, 5, 0, kReals, "repeated"}, dtype);
    add(table, {{9}, 3000, 5, 0, kReals, "sparse"}, dtype);
  }
  add(table, {{64, 150}, 30000, 125}, DType::f32);
  add(table, {{64, 150}, 2, 125, 0, kReals, "repeated"}, DType::f32);
}

}  // namespace engine::test
