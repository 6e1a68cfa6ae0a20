// Deferred Adam. Rows are caught up one by one, so that a row stays in the first-level cache while
// it goes through its updates; each is the same compiled function as in Adam itself, so that the
// compiler has no chance to round otherwise.
#include "kernels/deferred_adam.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <type_traits>

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

#include "engine/tune/registry.h"
#include "kernels/cpu/adam.h"
#include "kernels/cpu/stripes.h"

namespace engine {
namespace cpu {
namespace {

/// A parameter with its moments, whole tables or some rows.
template <class T>
struct Tables {
  T* at[kDeferredTables];

  static Tables of(std::span<const TensorView> views, std::size_t first) {
    return {{static_cast<T*>(views[first].data), static_cast<T*>(views[first + 1].data),
             static_cast<T*>(views[first + 2].data)}};
  }
};

// Rows in use are scattered over the tables, where no hardware expects them: each is asked for
// while some before it are worked on.
constexpr std::int64_t kRowsAhead = 4, kPlacesAhead = 16;

template <class T>
void expect_row(const Tables<T>& tables, std::int64_t row, std::int64_t width) {
  constexpr std::int64_t kCacheLine = 64 / sizeof(float);
  for (T* table : tables.at)
    for (std::int64_t j = 0; j < width; j += kCacheLine)
      __builtin_prefetch(table + row * width + j, !std::is_const_v<T>);
}

// Zeros where nobody reads soon: past the caches, which else would first fetch what is there.
void clear_uncached(float* to, std::int64_t count) {
#if defined(__SSE2__)
  constexpr std::int64_t kLanes = 4;
  for (; count > 0 && reinterpret_cast<std::uintptr_t>(to) % (kLanes * sizeof(float)) != 0; --count)
    *to++ = 0.0f;
  for (; count >= kLanes; count -= kLanes, to += kLanes) _mm_stream_ps(to, _mm_setzero_ps());
  _mm_sfence();
#endif
  std::memset(to, 0, static_cast<std::size_t>(count) * sizeof(float));
}

class DeferredRows {
 public:
  DeferredRows(const Problem& problem, const DeferredAdamOperands& operands)
      : at(operands),
        n(DeferredAdamExtents::of(problem, operands)),
        update(DeferredUpdate::from(problem.attributes)) {}

  /// Row `row` of `tables` goes through updates [begin, end) of the history without a gradient.
  /// In whole registers: of a row of 125 floats, the last 13 one by one would take as long again.
  void catch_up(const Tables<float>& tables, std::int64_t row, const float* history,
                std::int64_t begin, std::int64_t end) const {
    if (begin == end) return;
    alignas(64) float states[kDeferredTables][kPiece];
    static constexpr float kNoGradient[kPiece] = {};
    for (std::int64_t first = 0; first < n.width; first += kPiece) {
      const std::int64_t count = std::min(kPiece, n.width - first);
      AdamSlice piece{(count + kRegister - 1) / kRegister * kRegister, kNoGradient, {}, {}};
      for (std::size_t j = 0; j < kDeferredTables; ++j) {
        const float* from = tables.at[j] + row * n.width + first;
        std::fill(std::copy_n(from, count, states[j]), states[j] + piece.count, 0.0f);
        piece.state[j] = piece.next[j] = states[j];
      }
      replay(piece, history, begin, end);
      for (std::size_t j = 0; j < kDeferredTables; ++j)
        std::copy_n(states[j], count, tables.at[j] + row * n.width + first);
    }
  }

  /// Row `from` of one place to row `to` of another.
  template <class T>
  AdamSlice slice_of(const float* gradient, const Tables<T>& source, std::int64_t from,
                     const Tables<float>& target, std::int64_t to) const {
    AdamSlice slice{n.width, gradient, {}, {}};
    for (std::size_t j = 0; j < kDeferredTables; ++j) {
      slice.state[j] = source.at[j] + from * n.width;
      slice.next[j] = target.at[j] + to * n.width;
    }
    return slice;
  }

  const DeferredAdamOperands at;
  const DeferredAdamExtents n;
  const DeferredUpdate update;

 private:
  static constexpr std::int64_t kPiece = 256, kRegister = 16;  ///< floats

  void replay(const AdamSlice& slice, const float* history, std::int64_t begin,
              std::int64_t end) const {
    const auto* constants = reinterpret_cast<const Adam::Constants<float>*>(history);
    for (std::int64_t i = begin; i < end; ++i) {
      update_adam(idle_step(update, constants[i]), slice);
      if (i == begin && rests(slice)) return;
    }
  }

  /// Whether a row that has had an update without a gradient stays as it is in the next ones: one
  /// that has never had a gradient does, where weights do not decay. (The first update may still
  /// change bits of its parameters: those of denormals, and of -0.)
  bool rests(const AdamSlice& slice) const {
    const auto is_zero = [&](const float* moment) {
      return std::all_of(moment, moment + slice.count, [](float value) { return value == 0; });
    };
    return update.rule.weight_decay == 0 && is_zero(slice.next[2]) && is_zero(slice.next[1]);
  }
};

// Copies operands to the results that follow them, where those have storage of their own.
void copy_followed(const LaunchArguments& arguments, const std::vector<std::size_t>& followed) {
  for (std::size_t i = 0; i < followed.size(); ++i) {
    const TensorView &from = arguments.inputs[followed[i]], &to = arguments.outputs[i];
    if (from.data != to.data && to.type.bytes() > 0)
      std::memcpy(to.data, from.data, to.type.bytes());
  }
}

SimpleCandidate::Launch prepare_rows(const Problem& problem) {
  return [rows = DeferredRows(problem, DeferredAdamOperands::of_rows())](
             const LaunchArguments& arguments) {
    const DeferredAdamOperands& at = rows.at;
    const DeferredAdamExtents& n = rows.n;
    const float* history = arguments.inputs[at.history].as<float>();
    const auto* applied = arguments.inputs[at.applied].as<std::int32_t>();
    const auto* numbers = arguments.inputs[at.rows].as<std::int32_t>();
    const auto table = Tables<const float>::of(arguments.inputs, at.table);
    const auto out = Tables<float>::of(arguments.outputs, 0);
    const std::int64_t recorded =
        clamped_count(*arguments.inputs[at.recorded].as<std::int32_t>(), n.updates);
    const auto is_row = [&](std::int64_t number) { return number >= 0 && number < n.vocabulary; };
    std::int64_t used = n.rows;
    while (used > 0 && !is_row(numbers[used - 1])) --used;
    for_each_stripe(n.rows * n.width * kDeferredTables, [&](const Stripe& stripe) {
      const FlushDenormals flush;
      const std::int64_t unused = (n.rows - used) * n.width,
                         share = (unused + stripe.step - 1) / stripe.step,
                         begin = std::min(unused, stripe.first * share);
      for (float* rows_out : out.at)
        clear_uncached(rows_out + used * n.width + begin, std::min(share, unused - begin));
      for (std::int64_t i = stripe.first; i < used; i += stripe.step) {
        const std::int64_t row = numbers[i];
        const bool exists = is_row(row);
        if (const std::int64_t ahead = i + kRowsAhead * stripe.step;
            ahead < used && is_row(numbers[ahead]))
          expect_row(table, numbers[ahead], n.width);
        for (std::size_t j = 0; j < kDeferredTables; ++j)
          if (exists)
            std::copy_n(table.at[j] + row * n.width, n.width, out.at[j] + i * n.width);
          else
            std::fill_n(out.at[j] + i * n.width, n.width, 0.0f);
        if (exists) rows.catch_up(out, i, history, clamped_count(applied[row], recorded), recorded);
      }
    });
  };
}

SimpleCandidate::Launch prepare_update(const Problem& problem) {
  return [rows = DeferredRows(problem, DeferredAdamOperands::of_update()),
          followed =
              DeferredAdamOperands::of_update().followed()](const LaunchArguments& arguments) {
    const DeferredAdamOperands& at = rows.at;
    const DeferredAdamExtents& n = rows.n;
    copy_followed(arguments, followed);
    const ScalarOperands scalars{
        {arguments.inputs[0].data, arguments.inputs[1].data, arguments.inputs[2].data}};
    const auto step = rows.update.at<float>(scalars);
    if (step.skip) return;
    auto* recorded = arguments.outputs[0].as<std::int32_t>();
    float* history = arguments.outputs[1].as<float>();
    auto* applied = arguments.outputs[2].as<std::int32_t>();
    const auto table = Tables<float>::of(arguments.outputs, 3);
    const auto* places = arguments.inputs[at.rows].as<std::int32_t>();
    const float* gradient = arguments.inputs[at.gradient].as<float>();
    const auto current = Tables<const float>::of(arguments.inputs, at.current);

    const std::int64_t count = clamped_count(*recorded, n.updates - 1) + 1;
    const bool full = count == n.updates;
    reinterpret_cast<Adam::Constants<float>*>(history)[count - 1] = step.shared;
    const auto is_place = [&](std::int64_t number) { return number >= 0 && number < n.rows; };
    const std::int64_t work = (full ? n.vocabulary : n.rows) * n.width * kDeferredTables;
    for_each_stripe(work, [&](const Stripe& stripe) {
      const FlushDenormals flush;
      for (std::int64_t row = stripe.first; row < n.vocabulary; row += stripe.step) {
        const std::int64_t place = places[row];
        const bool used = is_place(place);
        if (const std::int64_t ahead = row + kPlacesAhead * stripe.step;
            ahead < n.vocabulary && is_place(places[ahead]))
          expect_row(table, ahead, n.width);
        if (used)
          update_adam(step, rows.slice_of(gradient + place * n.width, current, place, table, row));
        else if (full)
          rows.catch_up(table, row, history, clamped_count(applied[row], count), count);
        if (used || full) applied[row] = full ? 0 : static_cast<std::int32_t>(count);
      }
    });
    *recorded = full ? 0 : static_cast<std::int32_t>(count);
  };
}

SimpleCandidate::Launch prepare_settle(const Problem& problem) {
  return
      [rows = DeferredRows(problem, DeferredAdamOperands::of_settle()),
       followed = DeferredAdamOperands::of_settle().followed()](const LaunchArguments& arguments) {
        const DeferredAdamOperands& at = rows.at;
        const DeferredAdamExtents& n = rows.n;
        copy_followed(arguments, followed);
        auto* recorded = arguments.outputs[0].as<std::int32_t>();
        auto* applied = arguments.outputs[1].as<std::int32_t>();
        const float* history = arguments.inputs[at.history].as<float>();
        const auto table = Tables<float>::of(arguments.outputs, 2);
        const std::int64_t count = clamped_count(*recorded, n.updates);
        for_each_stripe(n.vocabulary * n.width * kDeferredTables, [&](const Stripe& stripe) {
          const FlushDenormals flush;
          for (std::int64_t row = stripe.first; row < n.vocabulary; row += stripe.step) {
            rows.catch_up(table, row, history, clamped_count(applied[row], count), count);
            applied[row] = 0;
          }
        });
        *recorded = 0;
      };
}

}  // namespace
}  // namespace cpu

void register_deferred_adam_cpu(CandidateRegistry& registry) {
  const auto add = [&](const char* op, SimpleCandidate::Launch (*prepare)(const Problem&)) {
    registry.add(SimpleCandidate{.op = op, .backend = "cpu", .id = "cpu.simd", .prepare = prepare});
  };
  add("deferred_adam_rows", cpu::prepare_rows);
  add("deferred_adam", cpu::prepare_update);
  add("deferred_adam_settle", cpu::prepare_settle);
}

}  // namespace engine
