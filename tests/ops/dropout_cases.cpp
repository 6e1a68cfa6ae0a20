// Cases of dropout.
#include <fmt/format.h>

#include "ops/dropout.h"
#include "tests/support/case_table.h"

namespace engine::test {
namespace {

void add_dropout(CaseTable& table, const TensorType& type, double rate, const InputDraw& draw,
                 RandomKey key) {
  const bool special = draw.kind == Kind::specials;
  table.add({.name = fmt::format("{} rate {} key {:x}{}", type.to_string(), rate, key.low,
                                 special ? " specials" : ""),
             .op = ops::dropout({rate, key}),
             .types = {type, kScalarI64},
             .draws = {draw, kStep},
             .exact = rate == 0.5,
             .large = is_large(type),
             .gradient = !special && type.element_count() == 33});
}

}  // namespace

void register_dropout_cases(CaseTable& table) {
  for (const TensorType& type : elementwise_types())
    for (double rate : {0.2, 0.5}) {
      add_dropout(table, type, rate, kReals, kKey);
      add_dropout(table, bf16(type.shape), rate, kReals, kKey);
    }
  for (const Shape& shape : {Shape{0, 3, 4}, Shape{2, 3, 0}, Shape{3, 1, 11}, Shape{2, 5, 4, 3},
                             Shape{2, 17, 63}, Shape{3, 16, 64}, Shape{2, 33, 65},
                             Shape{1, 3, 8, 9}, Shape{1, 1030, 3}, Shape{16, 50, 16, 16}})
    for (DType dtype : {DType::f32, DType::bf16})
      for (const InputDraw& draw : {kReals, kSpecials})
        add_dropout(table, {shape, dtype, Layout::channels_last}, 0.5, draw, kKey);
  for (double rate : {0.0, 0.01, 0.99})
    for (RandomKey key : {RandomKey{0, 0}, RandomKey{0xffffffffu, 0xffffffffu}})
      add_dropout(table, f32({7, 65}), rate, kReals, key);
  add_dropout(table, f32({321}), 0.3, kSpecials, kKey);
}

}  // namespace engine::test
