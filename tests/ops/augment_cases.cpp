// Cases of augment: pixels are copied, so every one is exact.
#include <fmt/format.h>

#include "ops/augment.h"
#include "tests/support/case_table.h"

namespace engine::test {
namespace {

void add_augment(CaseTable& table, const TensorType& type, double shift, bool flip,
                 const InputDraw& draw = {Kind::integers, 0, 256}, RandomKey key = kKey) {
  table.add(
      {.name = fmt::format("{} shift {}{}{} key {:x}", type.to_string(), shift, flip ? " flip" : "",
                           draw.kind == Kind::specials ? " specials" : "", key.low),
       .op = ops::augment({shift, flip, key}),
       .types = {type, kScalarI64},
       .draws = {draw, kStep},
       .exact = true,
       .large = is_large(type)});
}

}  // namespace

void register_augment_cases(CaseTable& table) {
  const TensorType bytes{{5, 3, 32, 32}, DType::u8};
  for (const TensorType& type : {f32(bytes.shape), bf16(bytes.shape), bytes})
    for (double shift : {0.0, 0.1, 0.99})
      for (bool flip : {false, true}) add_augment(table, type, shift, flip);
  // Narrow, odd and empty images, a batch of none, and sizes on either side of a block's.
  for (const Shape& shape :
       {Shape{7, 1, 1, 1}, Shape{9, 2, 3, 1}, Shape{9, 1, 1, 5}, Shape{0, 3, 8, 8},
        Shape{3, 0, 4, 4}, Shape{3, 2, 0, 4}, Shape{3, 2, 4, 0}, Shape{4, 1, 28, 28},
        Shape{2, 5, 7, 33}, Shape{1, 1, 25, 41}})
    add_augment(table, f32(shape), 0.5, true);
  for (RandomKey key : {RandomKey{0, 0}, RandomKey{0xffffffffu, 0xffffffffu}})
    add_augment(table, f32({6, 3, 9, 10}), 0.3, true, kReals, key);
  add_augment(table, f32({4, 2, 9, 11}), 0.25, true, kSpecials);
  add_augment(table, f32({128, 3, 32, 32}), 0.1, true);
}

}  // namespace engine::test
