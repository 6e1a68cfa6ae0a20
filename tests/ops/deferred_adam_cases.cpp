// Cases of deferred Adam.
#include "ops/deferred_adam.h"

#include <fmt/format.h>

#include "ops/adam.h"
#include "tests/ops/optimizer_cases.h"

namespace engine::test {
namespace {

constexpr std::int64_t kUpdates = 6;  ///< that the history has room for
constexpr InputDraw kHistory{Kind::reals, 0.01, 0.1};
constexpr InputDraw kSquares{Kind::reals, 0, 1};

struct Case {
  std::int64_t vocabulary, width, rows;
  double recorded;
  std::string name = "";
  ops::AdamConstants constants = {};
  double scale = 1, clip_value = 0;
};

InputDraw indices(std::int64_t count) {
  return {Kind::integers, -2, static_cast<double>(count) + 2};
}

void add(CaseTable& table, const Case& n) {
  const TensorType whole = f32({n.vocabulary, n.width}), rows = f32({n.rows, n.width});
  const std::string name = fmt::format("{}x{}, {} rows, {} of {} recorded{}", n.vocabulary, n.width,
                                       n.rows, n.recorded, kUpdates, n.name);
  const Attributes attributes = ops::adam({1, n.clip_value, 1}, n.constants)->attributes();
  const bool large = is_large(whole);
  const auto joined = [](auto list, const auto& more) {
    list.insert(list.end(), more.begin(), more.end());
    return list;
  };
  // Updates applied out of range on either side count as none, or all.
  const std::vector<TensorType> state{i32({}), f32({kUpdates, 4}), i32({n.vocabulary})};
  const std::vector<InputDraw> state_draws{
      {Kind::integers, n.recorded, n.recorded}, kHistory, {Kind::integers, -1, kUpdates + 2}};
  const std::vector<TensorType> tables{whole, whole, whole};
  const std::vector<InputDraw> table_draws{kReals, kReals, kSquares};
  table.add({.name = name,
             .op = ops::deferred_adam_rows(attributes),
             .types = joined(joined(state, std::vector{i32({n.rows})}), tables),
             .draws = joined(joined(state_draws, std::vector{indices(n.vocabulary)}), table_draws),
             .large = large});
  table.add({.name = name,
             .op = ops::deferred_adam_settle(attributes),
             .types = joined(state, tables),
             .draws = joined(state_draws, table_draws),
             .large = large});
  table.add({.name = name,
             .op = ops::deferred_adam(attributes),
             .types = joined(joined(joined(joined(std::vector{f32({}), f32({}), kScalarI64}, state),
                                           std::vector{i32({n.vocabulary})}),
                                    tables),
                             std::vector{rows, rows, rows, rows}),
             .draws = joined(joined(joined(joined(std::vector{InputDraw{Kind::reals, 0.001, 0.1},
                                                              always(n.scale), kStep},
                                                  state_draws),
                                           std::vector{indices(n.rows)}),
                                    table_draws),
                             joined(std::vector{kReals}, table_draws)),
             .large = large});
}

}  // namespace

void register_deferred_adam_cases(CaseTable& table) {
  for (double recorded : {-1.0, 0.0, 1.0, 4.0, 5.0, 6.0, 9.0}) add(table, {40, 33, 9, recorded});
  for (std::int64_t width : {1, 31, 32, 64, 125, 129}) add(table, {17, width, 5, 3});
  for (const auto& [vocabulary, rows] : {std::pair{1, 1}, {1, 0}, {3, 8}, {600, 30}, {6000, 2}})
    add(table, {vocabulary, 3, rows, 5});
  for (double recorded : {3.0, 5.0}) {
    add(table, {12, 20, 4, recorded, ", weight decay", {.weight_decay = 0.01}});
    add(table, {12, 20, 4, recorded, ", decoupled", {.weight_decay = 0.01, .decoupled = true}});
    for (double scale : {0.0, kNan, kInfinity, 0.5})
      add(table, {12, 20, 4, recorded, fmt::format(", scale {}", scale), {}, scale});
    add(table, {12, 20, 4, recorded, ", clipped", {}, 1, 0.25});
  }
  add(table, {30000, 125, 4000, 3});
}

}  // namespace engine::test
