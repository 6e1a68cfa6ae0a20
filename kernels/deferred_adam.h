// Adam over a table of which a step uses few rows, in time with the rows it uses. The others have
// no gradient, but moments, which still move them: they are left behind, and caught up when they
// are used next, one update after another, each with the constants that it had. So all bits become
// those of adam (kernels/adam.h) over the whole table; what is saved is memory traffic.
//
//   history    f32[R, 4]   the constants (Adam::Constants) of updates that not all rows have had
//   recorded   i32[]       how many of them there are
//   applied    i32[V]      how many of them each row of the table has had
//
// Out of range, recorded and applied count as the nearest number in it. "The table" is the
// parameter f32[V, D] with its two moments, "rows" are f32[N, D] of each; rows are caught up when
// they have had all recorded updates. Attributes are those of adam, with "every" 1.
//
//   deferred_adam_rows     recorded, history, applied, numbers i32[N], table x 3
//                          -> rows x 3: those of the table with these numbers, caught up; zeros for
//                          a number outside [0, V)
//   deferred_adam          rate f32[], scale f32[], step i64[], recorded, history, applied, places
//                          i32[V], table x 3, gradient f32[N, D], rows x 3
//                          -> recorded', history', applied', table' x 3
//                          A row v with places[v] in [0, N) becomes that one of `rows`, updated by
//                          its gradient as adam would. The update is recorded; with that the
//                          history may be full: then all rows are caught up, and it is emptied. A
//                          scale that skips the update leaves everything as it is.
//   deferred_adam_settle   recorded, history, applied, table x 3
//                          -> recorded' = 0, applied' = 0, table' x 3, all caught up
//
// Every primed result may be the operand it follows.
#pragma once

#include <vector>

#include "kernels/adam.h"

namespace engine {

inline constexpr int kDeferredTables = 3;  ///< the parameter and its moments

/// Where the operands of these ops are.
struct DeferredAdamOperands {
  std::size_t recorded, history, applied;
  std::size_t rows;   ///< "numbers" or "places"; 0: there are none
  std::size_t table;  ///< the first of three
  std::size_t gradient = 0, current = 0;

  /// The operands that results 0, 1, … follow.
  std::vector<std::size_t> followed() const {
    if (rows == 0) return {recorded, applied, table, table + 1, table + 2};
    if (gradient == 0) return {};
    return {recorded, history, applied, table, table + 1, table + 2};
  }

  static constexpr DeferredAdamOperands of_rows() { return {0, 1, 2, 3, 4}; }
  static constexpr DeferredAdamOperands of_update() { return {3, 4, 5, 6, 7, 10, 11}; }
  static constexpr DeferredAdamOperands of_settle() { return {0, 1, 2, 0, 3}; }
};

struct DeferredAdamExtents {
  std::int64_t vocabulary, width;  ///< V, D
  std::int64_t rows;               ///< N; V where all rows are meant
  std::int64_t updates;            ///< R

  static DeferredAdamExtents of(const Problem& problem, const DeferredAdamOperands& at) {
    const Shape& table = problem.inputs[at.table].shape;
    const std::size_t rows = at.gradient > 0 ? at.gradient : at.rows > 0 ? at.rows : at.table;
    return {table[0], table[1], problem.inputs[rows].shape[0], problem.inputs[at.history].shape[0]};
  }
};

/// `number` as a count of at most `most`.
ENGINE_HOST_DEVICE std::int64_t clamped_count(std::int32_t number, std::int64_t most) {
  return number < 0 ? 0 : number > most ? most : number;
}

using DeferredUpdate = OptimizerUpdate<Adam>;
static_assert(sizeof(Adam::Constants<float>) == 4 * sizeof(float), "a row of the history");

/// What an update was for a row whose gradient was 0, as any positive scale leaves it.
template <class R>
ENGINE_HOST_DEVICE DeferredUpdate::Step<R> idle_step(const DeferredUpdate& update,
                                                     const Adam::Constants<R>& constants) {
  return {update.rule, constants, 1, update.limit, false};
}

}  // namespace engine
