// Cases of softmax, log_softmax and their gradients: rows on either side of what a warp, a chunk
// and a block take, logits far apart, with ties, and special ones.
#include "ops/softmax.h"

#include <fmt/format.h>

#include "tests/support/case_table.h"

namespace engine::test {
namespace {

struct Logits {
  std::string name;
  InputDraw draw;
};

void add_forward(CaseTable& table, const Shape& shape, const Logits& logits) {
  const bool gradient =
      logits.name == "ordinary" && shape.element_count() > 0 && shape.element_count() < 40;
  for (const auto& op : {ops::softmax(), ops::log_softmax()})
    table.add({.name = fmt::format("{} {}", shape.to_string(), logits.name),
               .op = op,
               .types = {f32(shape)},
               .draws = {logits.draw},
               .large = is_large(f32(shape)),
               .gradient = gradient});
}

void add_gradients(CaseTable& table, const Shape& shape, const InputDraw& dy) {
  const std::string name =
      shape.to_string() + (dy.kind == Kind::specials ? " specials" : " ordinary");
  table.add({.name = name,
             .op = ops::softmax_gradient(),
             .types = {f32(shape), f32(shape)},
             .draws = {dy, {Kind::reals, 0, 1}},
             .large = is_large(f32(shape))});
  table.add({.name = name,
             .op = ops::log_softmax_gradient(),
             .types = {f32(shape), f32(shape)},
             .draws = {dy, {Kind::reals, -6, 0}},
             .large = is_large(f32(shape))});
}

}  // namespace

void register_softmax_cases(CaseTable& table) {
  const Logits ordinary{"ordinary", {Kind::reals, -5, 5}};
  for (const Shape& shape :
       {Shape{0, 10}, Shape{4, 0}, Shape{1}, Shape{7}, Shape{3, 5}, Shape{2, 3, 4}, Shape{33, 7},
        Shape{5, 31}, Shape{9, 32}, Shape{8, 33}, Shape{7, 63}, Shape{2, 2, 2, 65}, Shape{3, 129},
        Shape{2, 1023}, Shape{3, 1024}, Shape{2, 1500}, Shape{130, 10}, Shape{128, 1000},
        Shape{256, 10}}) {
    add_forward(table, shape, ordinary);
    add_gradients(table, shape, kReals);
  }
  for (const Shape& shape : {Shape{33, 7}, Shape{40, 33}, Shape{2, 1500}}) {
    for (const Logits& logits :
         {Logits{"wide", {Kind::reals, -200, 200}},
          Logits{"far from zero", {Kind::reals, 9990, 10000}},
          Logits{"ties", {Kind::integers, -1, 2}}, Logits{"specials", kSpecials}})
      add_forward(table, shape, logits);
    add_gradients(table, shape, kSpecials);
  }
}

}  // namespace engine::test
