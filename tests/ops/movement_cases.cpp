// Cases of the ops that move elements: all exact, in f32 and i32.
#include <fmt/format.h>

#include "ops/movement.h"
#include "tests/support/case_table.h"

namespace engine::test {
namespace {

using ops::Extents;

// In f32 with every kind of value, and in i32.
void add(CaseTable& table, const std::shared_ptr<const graph::Op>& op, std::vector<Shape> shapes) {
  OpCase test{.name = {}, .op = op, .types = {}, .draws = {}, .exact = true};
  std::int64_t moved = 0;
  for (const Shape& shape : shapes) {
    moved += shape.element_count();
    test.types.push_back(f32(shape));
    test.draws.push_back(kReals);
    test.name += shape.to_string() + " ";
  }
  test.name += op->attributes().to_string();
  const std::string name = test.name;
  const std::int64_t count = test.problem().outputs[0].element_count();
  test.large = is_large(test.problem().outputs[0]);
  test.gradient = moved > 0 && count > 0 && count <= 130;
  table.add(test);
  test.gradient = false;
  test.name = name + ", specials";
  for (InputDraw& draw : test.draws) draw = kSpecials;
  table.add(test);
  if (count > 200) return;
  test.name = name + ", integers";
  for (InputDraw& draw : test.draws) draw = {Kind::integers, -1e6, 1e6};
  for (TensorType& type : test.types) type.dtype = DType::i32;
  table.add(test);
}

void add_broadcasts(CaseTable& table) {
  const std::vector<std::pair<Shape, Shape>> all{{{3, 1}, {3, 33}},
                                                 {{33}, {4, 33}},
                                                 {{64}, {32, 64}},
                                                 {{}, {65}},
                                                 {{1}, {1}},
                                                 {{5}, {5}},
                                                 {{2, 1, 3}, {2, 4, 3}},
                                                 {{1, 3, 1, 1}, {2, 3, 4, 5}},
                                                 {{1, 0}, {3, 0}},
                                                 {{1}, {0}},
                                                 {{}, {}},
                                                 {{1, 1, 1}, {5, 6, 7}},
                                                 {{2, 1, 2, 1}, {2, 3, 2, 3}},
                                                 {{128, 1}, {128, 64}},
                                                 {{1}, {4097}},
                                                 {{512}, {128, 512}}};
  for (const auto& [from, to] : all) add(table, ops::broadcast(to), {from});
}

void add_concatenations(CaseTable& table) {
  add(table, ops::concatenate(1), {{4, 5}, {4, 7}});
  add(table, ops::concatenate(0), {{4, 5}, {1, 5}, {3, 5}});
  add(table, ops::concatenate(0), {{33}});
  add(table, ops::concatenate(0), {{1}, {1}, {1}, {1}, {1}});
  add(table, ops::concatenate(1), {{9, 1}, {9, 1}, {9, 1}});
  add(table, ops::concatenate(1), {{2, 3, 4}, {2, 0, 4}, {2, 2, 4}});
  add(table, ops::concatenate(0), {{0, 3}, {0, 3}});
  add(table, ops::concatenate(2), {{3, 4, 32}, {3, 4, 64}});
  add(table, ops::concatenate(2), {{3, 4, 31}, {3, 4, 65}});
  add(table, ops::concatenate(1), {{16, 3, 5, 5}, {16, 2, 5, 5}});
  add(table, ops::concatenate(0), {{4097}, {1000}});
  add(table, ops::concatenate(1), {{128, 512}, {128, 512}});
}

void add_windows(CaseTable& table) {
  const auto both = [&](const Shape& whole, const Extents& begin, const Extents& extents) {
    add(table, ops::slice(begin, extents), {whole});
    Extents after;
    for (std::size_t i = 0; i < begin.size(); ++i)
      after.push_back(whole[static_cast<int>(i)] - begin[i] - extents[i]);
    add(table, ops::pad(begin, after), {Shape(extents)});
    add(table, ops::pad(begin, after, -3), {Shape(extents)});
  };
  both({10}, {3}, {4});
  both({33}, {0}, {33});
  both({6, 7}, {1, 2}, {4, 3});
  both({8, 64}, {2, 0}, {3, 64});
  both({8, 64}, {0, 16}, {8, 32});
  both({8, 65}, {0, 1}, {8, 64});
  both({4, 5}, {2, 2}, {0, 3});
  both({4, 0}, {1, 0}, {2, 0});
  both({}, {}, {});
  both({3, 4, 5}, {1, 0, 2}, {2, 4, 2});
  both({2, 3, 9, 9}, {0, 0, 1, 1}, {2, 3, 7, 7});
  both({1, 2, 1, 3, 1, 2, 2, 4}, {0, 1, 0, 1, 0, 0, 1, 2}, {1, 1, 1, 2, 1, 2, 1, 2});
  both({5000}, {999}, {4001});
  both({64, 3, 36, 36}, {0, 0, 2, 2}, {64, 3, 32, 32});
}

void add_transpositions(CaseTable& table) {
  for (std::int64_t rows : {1, 2, 7, 8, 31, 32, 33, 65})
    for (std::int64_t columns : {1, 3, 8, 32, 33, 64}) {
      if (rows * columns > 700 && (rows + columns) % 2 == 1) continue;
      add(table, ops::transpose({1, 0}), {{rows, columns}});
    }
  add(table, ops::transpose({}), {Shape{}});
  add(table, ops::transpose({0}), {{33}});
  add(table, ops::transpose({1, 0}), {{0, 5}});
  add(table, ops::transpose({0, 2, 1}), {{3, 9, 10}});
  add(table, ops::transpose({0, 2, 1}), {{3, 33, 40}});
  add(table, ops::transpose({1, 0, 2}), {{6, 5, 4}});
  add(table, ops::transpose({1, 0, 2}), {{6, 5, 3}});
  add(table, ops::transpose({2, 1, 0}), {{9, 5, 12}});
  add(table, ops::transpose({2, 0, 1}), {{9, 5, 12}});
  add(table, ops::transpose({1, 2, 0}), {{9, 5, 12}});
  add(table, ops::transpose({0, 2, 3, 1}), {{2, 3, 8, 9}});
  add(table, ops::transpose({0, 3, 1, 2}), {{2, 8, 9, 3}});
  add(table, ops::transpose({3, 1, 0, 2}), {{3, 2, 5, 4}});
  add(table, ops::transpose({7, 6, 5, 4, 3, 2, 1, 0}), {{2, 1, 3, 2, 1, 2, 2, 2}});
  add(table, ops::transpose({1, 0}), {{20, 900}});
  add(table, ops::transpose({1, 0}), {{512, 784}});
}

void add_reshapes(CaseTable& table) {
  const std::vector<std::pair<Shape, Shape>> all{
      {{12}, {3, 4}},      {{3, 4}, {12}},       {{2, 3, 4}, {4, 3, 2}}, {{1}, {}},
      {{}, {1, 1, 1}},     {{0, 3}, {5, 0}},     {{33}, {33}},           {{64, 9}, {8, 72}},
      {{4097}, {1, 4097}}, {{128, 512}, {65536}}};
  for (const auto& [from, to] : all) add(table, ops::reshape(to), {from});
}

}  // namespace

void register_movement_cases(CaseTable& table) {
  add_broadcasts(table);
  add_concatenations(table);
  add_windows(table);
  add_transpositions(table);
  add_reshapes(table);
}

}  // namespace engine::test
