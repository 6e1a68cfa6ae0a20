// Cases of the masks of sequences, with lengths out of range.
#include "ops/sequence_mask.h"

#include <fmt/format.h>

#include "tests/support/case_table.h"

namespace engine::test {

void register_sequence_mask_cases(CaseTable& table) {
  for (const Shape& shape : {Shape{0, 5}, Shape{3, 0}, Shape{1, 1}, Shape{5, 31}, Shape{33, 7},
                             Shape{64, 150}, Shape{7, 1025}}) {
    const auto steps = static_cast<double>(shape[1]);
    for (bool left : {false, true})
      table.add({.name = fmt::format("{}{}", shape.to_string(), left ? " left" : ""),
                 .op = ops::sequence_mask(shape[1], left),
                 .types = {i32({shape[0]})},
                 .draws = {{Kind::integers, -2, steps + 3}},
                 .exact = true});
    for (std::int64_t padding : {0, 2})
      table.add({.name = fmt::format("{} padding {}", shape.to_string(), padding),
                 .op = ops::token_mask(padding),
                 .types = {i32(shape)},
                 .draws = {{Kind::integers, -1, 4}},
                 .exact = true});
  }
}

}  // namespace engine::test
