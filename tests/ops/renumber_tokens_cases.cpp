// Cases of renumber_tokens.
#include "ops/renumber_tokens.h"

#include <fmt/format.h>

#include "tests/support/case_table.h"

namespace engine::test {

void register_renumber_tokens_cases(CaseTable& table) {
  const auto add = [&](const Shape& tokens, std::int64_t vocabulary, double stray) {
    table.add({.name = fmt::format("{} of {}{}", tokens.to_string(), vocabulary,
                                   stray > 0 ? " stray" : ""),
               .op = ops::renumber_tokens(vocabulary),
               .types = {i32(tokens)},
               .draws = {{Kind::integers, -stray, static_cast<double>(vocabulary) + stray}},
               .exact = true,
               .large = vocabulary > 10000});
  };
  for (std::int64_t vocabulary : {1, 31, 33, 511, 512, 513, 1100})
    for (double stray : {0.0, 20.0}) {
      for (std::int64_t tokens : {1, 32, 33, 257, 700}) add({tokens}, vocabulary, stray);
      add({3, 5, 7}, vocabulary, stray);
    }
  add({0}, 40, 0);
  add({64, 150}, 30000, 0);
}

}  // namespace engine::test
