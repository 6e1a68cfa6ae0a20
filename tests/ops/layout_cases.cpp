// Cases of to_layout: all exact, extents around the squares that are transposed at a time.
#include <fmt/format.h>

#include "ops/layout.h"
#include "tests/support/case_table.h"

namespace engine::test {

void register_layout_cases(CaseTable& table) {
  for (const Shape& shape :
       {Shape{0, 3, 4}, Shape{2, 3, 0}, Shape{1, 1, 1}, Shape{3, 1, 7}, Shape{2, 5, 1},
        Shape{2, 3, 4, 5}, Shape{3, 31, 33}, Shape{2, 32, 64}, Shape{2, 33, 4, 8},
        Shape{1, 65, 7, 9}, Shape{2, 4, 3, 5, 2}, Shape{16, 50, 32, 32}})
    for (DType dtype : {DType::f32, DType::bf16})
      for (Layout from : {Layout::row_major, Layout::channels_last})
        for (Layout to : {Layout::row_major, Layout::channels_last})
          for (const InputDraw& draw : {kReals, kSpecials}) {
            const TensorType type{shape, dtype, from};
            table.add({.name = fmt::format("{} to {}{}", type.to_string(), layout_name(to),
                                           draw.kind == Kind::specials ? " specials" : ""),
                       .op = ops::to_layout(to),
                       .types = {type},
                       .draws = {draw},
                       .exact = true,
                       .large = is_large(type),
                       .gradient = dtype == DType::f32 && draw.kind == Kind::reals &&
                                   type.element_count() > 0 && type.element_count() <= 130});
          }
}

}  // namespace engine::test
