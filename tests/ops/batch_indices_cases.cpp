// Cases of batch_indices.
#include <fmt/format.h>
#include <array>

#include "ops/batch_indices.h"
#include "tests/support/case_table.h"

namespace engine::test {

void register_batch_indices_cases(CaseTable& table) {
  for (bool shuffle : {false, true})
    for (const auto& [count, batch, size] :
         std::vector<std::array<std::int64_t, 3>>{{1, 1, 1},
                                                  {2, 2, 2},
                                                  {10, 4, 4},
                                                  {33, 32, 1},
                                                  {100, 128, 128},
                                                  {1000, 31, 31},
                                                  {1000, 65, 33},
                                                  {60000, 128, 128},
                                                  {60000, 128, 96}}) {
      const BatchIndicesAttributes order{count, batch, (count + batch - 1) / batch, shuffle, kKey};
      table.add(
          {.name = fmt::format("{} of {}, {}{}", size, count, batch, shuffle ? " shuffled" : ""),
           .op = ops::batch_indices(order, size),
           .types = {kScalarI64},
           .draws = {kStep},
           .exact = true});
    }
}

}  // namespace engine::test
