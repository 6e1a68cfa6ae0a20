// Logits with labels: the cases that the ops over them share.
#pragma once

#include <fmt/format.h>

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/case_table.h"

namespace engine::test {

struct Rows {
  std::int64_t rows, classes;
};
inline constexpr std::array<Rows, 18> kRows{{{1300, 10},
                                             {0, 10},
                                             {1, 1},
                                             {1, 2},
                                             {3, 10},
                                             {31, 3},
                                             {32, 10},
                                             {33, 7},
                                             {64, 16},
                                             {65, 17},
                                             {96, 10},
                                             {127, 2},
                                             {128, 10},
                                             {129, 31},
                                             {10, 33},
                                             {6, 64},
                                             {5, 129},
                                             {3, 1000}}};

// Logits and labels: ordinary, widely spread, with ties, special, and with labels out of range.
struct Classification {
  std::string name;
  InputDraw logits;
  std::int64_t stray_labels;
};

inline std::vector<Classification> classifications() {
  return {{"ordinary", {Kind::reals, -5, 5}, 0},
          {"wide", {Kind::reals, -200, 200}, 0},
          {"ties", {Kind::integers, -1, 2}, 0},
          {"specials", kSpecials, 0},
          {"stray labels", {Kind::reals, -5, 5}, 2}};
}

/// A case of `op` over logits f32[B, C] and labels i32[B] for every size, the ordinary kind at all
/// of them and the others at two; `complete` may add operands.
inline void add_classification_cases(CaseTable& table, const std::shared_ptr<const graph::Op>& op,
                                     const std::function<void(OpCase&)>& complete) {
  for (const Rows& n : kRows)
    for (const Classification& kind : classifications()) {
      if (kind.name != "ordinary" && n.rows != 33 && n.rows != 10) continue;
      const InputDraw label{Kind::integers, -static_cast<double>(kind.stray_labels),
                            static_cast<double>(n.classes + kind.stray_labels)};
      OpCase test{.name = fmt::format("{}x{} {}", n.rows, n.classes, kind.name),
                  .op = op,
                  .types = {f32({n.rows, n.classes}), i32({n.rows})},
                  .draws = {kind.logits, label},
                  .gradient = kind.name == "ordinary" && n.rows > 0 && n.rows < 5};
      complete(test);
      table.add(std::move(test));
    }
}

}  // namespace engine::test
