// Cases of cast.
#include <fmt/format.h>

#include "ops/cast.h"
#include "tests/support/case_table.h"

namespace engine::test {
namespace {

void add_cast(CaseTable& table, const TensorType& type, const InputDraw& draw) {
  const bool widens = type.dtype == DType::bf16;
  table.add({.name = fmt::format("{}{}", type.to_string(),
                                 draw.kind == Kind::reals      ? ""
                                 : draw.kind == Kind::specials ? " specials"
                                                               : " integers"),
             .op = ops::cast(widens ? DType::f32 : DType::bf16),
             .types = {type},
             .draws = {draw},
             .exact = widens || draw.kind == Kind::integers,
             .large = is_large(type),
             .gradient = draw.kind == Kind::reals && type.element_count() == 33});
}

}  // namespace

void register_cast_cases(CaseTable& table) {
  for (const TensorType& f32_type : elementwise_types())
    for (DType from : {DType::f32, DType::bf16})
      for (const InputDraw& draw : {kReals, InputDraw{Kind::integers, -256, 257}, kSpecials})
        add_cast(table, {f32_type.shape, from}, draw);
}

}  // namespace engine::test
