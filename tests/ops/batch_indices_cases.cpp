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
  // Rows and batches that begin elsewhere, and a step whose batch is none of these.
  for (bool shuffle : {false, true})
    for (const auto& [first_batch, step] :
         std::vector<std::array<std::int64_t, 2>>{{0, 3}, {5, 5}, {5, 2}, {5, 999983}})
      table.add({.name = fmt::format("mixed, from batch {}, at {}{}", first_batch, step,
                                     shuffle ? " shuffled" : ""),
                 .op = ops::batch_indices({100, 32, 9, shuffle, kKey, true, first_batch, 160}, 32),
                 .types = {kScalarI64},
                 .draws = {{Kind::integers, static_cast<double>(step), step + 1.0}},
                 .exact = true});
}

}  // namespace engine::test
