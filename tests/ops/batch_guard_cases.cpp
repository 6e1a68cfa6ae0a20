// Cases of batch_guard: steps inside and outside the range, at its ends, in order and mixed.
#include <fmt/format.h>

#include "ops/batch_guard.h"
#include "tests/support/case_table.h"

namespace engine::test {

void register_batch_guard_cases(CaseTable& table) {
  struct Range {
    std::int64_t steps, first, count;
  };
  for (bool mixed : {false, true})
    for (const Range& range :
         {Range{1, 0, 1}, Range{10, 3, 4}, Range{10, 9, 1}, Range{469, 0, 468}})
      for (double step : {0, 2, 3, 6, 7, 9, 13, 468, 99999})
        table.add({.name = fmt::format("{} from {} of {} at {}{}", range.count, range.first,
                                       range.steps, step, mixed ? " mixed" : ""),
                   .op = ops::batch_guard({range.steps, mixed, kKey, range.first, range.count}),
                   .types = {kScalarI64},
                   .draws = {{InputDraw::Kind::integers, step, step + 1}},
                   .exact = true});
}

}  // namespace engine::test
