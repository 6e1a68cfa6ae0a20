// References of deferred Adam.
#include "kernels/deferred_adam.h"

#include "engine/tune/registry.h"
#include "kernels/reference/multi_tensor.h"

namespace engine {
namespace {

using Tensors = std::span<const ReferenceTensor>;
using Results = std::span<ReferenceTensor>;
using State = std::array<Tracked, kDeferredTables>;

std::int32_t whole(const ReferenceTensor& tensor, std::int64_t i = 0) {
  return static_cast<std::int32_t>(tensor.values[static_cast<std::size_t>(i)]);
}

// The operands of one problem.
struct Deferred {
  const DeferredAdamOperands at;
  const DeferredAdamExtents n;
  const DeferredUpdate update;
  const Tensors inputs;

  Deferred(const Problem& problem, const DeferredAdamOperands& operands, Tensors tensors)
      : at(operands),
        n(DeferredAdamExtents::of(problem, operands)),
        update(DeferredUpdate::from(problem.attributes)),
        inputs(tensors) {}

  std::int64_t recorded(std::int64_t most) const {
    return clamped_count(whole(inputs[at.recorded]), most);
  }
  State load(std::size_t first, std::int64_t element) const {
    State state;
    for (std::size_t j = 0; j < state.size(); ++j)
      state[j] = inputs[first + j].values[static_cast<std::size_t>(element)];
    return state;
  }
  // An element of `row` goes through the updates before `end` that the row has not had.
  void catch_up(std::int64_t row, std::int64_t end, State& state) const {
    const std::vector<double>& history = inputs[at.history].values;
    for (std::int64_t i = clamped_count(whole(inputs[at.applied], row), end); i < end; ++i) {
      const double* c = &history[static_cast<std::size_t>(4 * i)];
      idle_step(update, Adam::Constants<double>{c[0], c[1], c[2], c[3]})(Tracked(0), state.data());
    }
  }
};

void store(const State& state, Results tables, std::int64_t element) {
  const auto i = static_cast<std::size_t>(element);
  for (std::size_t j = 0; j < state.size(); ++j) {
    tables[j].magnitudes.resize(tables[j].values.size());
    tables[j].values[i] = state[j].value;
    tables[j].magnitudes[i] = state[j].magnitude;
  }
}

void deferred_adam_rows(const Problem& problem, Tensors inputs, Results outputs) {
  const Deferred d(problem, DeferredAdamOperands::of_rows(), inputs);
  for (std::int64_t i = 0; i < d.n.rows; ++i) {
    const std::int64_t row = whole(inputs[d.at.rows], i);
    for (std::int64_t column = 0; column < d.n.width; ++column) {
      State state;
      if (row >= 0 && row < d.n.vocabulary) {
        state = d.load(d.at.table, row * d.n.width + column);
        d.catch_up(row, d.recorded(d.n.updates), state);
      }
      store(state, outputs, i * d.n.width + column);
    }
  }
}

void deferred_adam_settle(const Problem& problem, Tensors inputs, Results outputs) {
  const Deferred d(problem, DeferredAdamOperands::of_settle(), inputs);
  for (std::int64_t i = 0; i < d.n.vocabulary * d.n.width; ++i) {
    State state = d.load(d.at.table, i);
    d.catch_up(i / d.n.width, d.recorded(d.n.updates), state);
    store(state, outputs.subspan(2), i);
  }
  outputs[0].values[0] = 0;
  outputs[1].values.assign(outputs[1].values.size(), 0);
}

void deferred_adam(const Problem& problem, Tensors inputs, Results outputs) {
  const Deferred d(problem, DeferredAdamOperands::of_update(), inputs);
  const ReferenceScalars scalars(inputs, DeferredUpdate::kScalars);
  const auto step = d.update.at<double>(scalars.operands);
  const std::vector<std::size_t> followed = d.at.followed();
  for (std::size_t i = 0; i < followed.size(); ++i) outputs[i].values = inputs[followed[i]].values;
  if (step.skip) return;
  const std::int64_t before = d.recorded(d.n.updates - 1);
  const bool full = before + 1 == d.n.updates;
  outputs[0].values[0] = full ? 0 : static_cast<double>(before + 1);
  const double constants[] = {step.shared.rate, step.shared.root_scale, step.shared.shrink,
                              step.shared.gradient_decay};
  std::copy(std::begin(constants), std::end(constants),
            outputs[1].values.begin() + static_cast<std::ptrdiff_t>(4 * before));
  for (std::int64_t row = 0; row < d.n.vocabulary; ++row) {
    const std::int64_t place = whole(inputs[d.at.rows], row);
    const bool used = place >= 0 && place < d.n.rows;
    for (std::int64_t column = 0; column < d.n.width; ++column) {
      const std::int64_t element = row * d.n.width + column;
      State state = d.load(d.at.table, element);
      if (used) {
        const std::int64_t of_rows = place * d.n.width + column;
        state = d.load(d.at.current, of_rows);
        step(Tracked(inputs[d.at.gradient].values[static_cast<std::size_t>(of_rows)]),
             state.data());
      } else if (full) {
        d.catch_up(row, before, state);
        if (whole(inputs[d.at.applied], row) <= before)
          idle_step(d.update, step.shared)(Tracked(0), state.data());
      }
      store(state, outputs.subspan(3), element);
    }
    if (used || full)
      outputs[2].values[static_cast<std::size_t>(row)] = full ? 0 : static_cast<double>(before + 1);
  }
}

}  // namespace

void register_deferred_adam_reference(ReferenceRegistry& registry) {
  registry.add("deferred_adam_rows", deferred_adam_rows);
  registry.add("deferred_adam", deferred_adam);
  registry.add("deferred_adam_settle", deferred_adam_settle);
}

}  // namespace engine
