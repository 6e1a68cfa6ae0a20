#include "kernels/reference/recurrent_steps.h"

#include <algorithm>
#include <cmath>

#include "engine/device/cpu/parallel.h"
#include "kernels/cpu/simd.h"
#include "kernels/reference/transposed.h"

namespace engine::reference {
namespace {

ENGINE_SIMD_CLONES
void add_product_loop(double a, double carried, const double* line, std::size_t count,
                      double* value, double* magnitude, double* squares) {
  ENGINE_SIMD_LOOP
  for (std::size_t i = 0; i < count; ++i) {
    const double term = a * line[i], error = carried * line[i];
    value[i] += term;
    magnitude[i] += std::abs(term);
    squares[i] += error * error;
  }
}

ENGINE_SIMD_CLONES
void add_outer_loop(double a, const double* line, const double* line_magnitude, std::size_t count,
                    double* value, double* magnitude) {
  ENGINE_SIMD_LOOP
  for (std::size_t i = 0; i < count; ++i) {
    value[i] += a * line[i];
    magnitude[i] += std::abs(a) * line_magnitude[i];
  }
}

void multiply(const Line& a, std::size_t a_first, std::size_t rows, const double* w,
              std::size_t stride, std::size_t column, std::size_t count, Line& to,
              std::size_t first) {
  for (std::size_t i = 0; i < rows; ++i) {
    const Number factor = a[a_first + i];
    add_product_loop(factor.value, factor.magnitude, w + i * stride + column, count,
                     to.value.data() + first, to.magnitude.data() + first,
                     to.squares.data() + first);
  }
}

// A row of an operand, exact but for the rounding of its elements.
Line row(const ReferenceTensor& tensor, std::size_t first, std::size_t count) {
  Line line(count);
  for (std::size_t i = 0; i < count; ++i) line.set(i, tensor.values[first + i]);
  return line;
}

void store(const Line& line, ReferenceTensor& to, std::size_t first) {
  for (std::size_t i = 0; i < line.size(); ++i) {
    to.values[first + i] = line[i].value;
    to.magnitudes[first + i] = line[i].magnitude;
  }
}

// A problem's operands, where the frame looks for them.
struct Layer {
  Layer(const CellSteps& steps, const Problem& problem, std::span<const ReferenceTensor> operands,
        bool gradient)
      : cell(steps.cell),
        attributes(RecurrentAttributes::from(problem.attributes)),
        places(attributes, cell, gradient),
        inputs(operands) {
    const RecurrentExtents extents = RecurrentExtents::of(problem, cell);
    n = static_cast<std::size_t>(extents.sequences);
    t = static_cast<std::size_t>(extents.steps);
    features = static_cast<std::size_t>(extents.inputs);
    units = static_cast<std::size_t>(extents.units);
    w_columns = static_cast<std::size_t>(cell.input_gates) * units;
    r_columns = static_cast<std::size_t>(cell.recurrent_gates) * units;
    r_t = transposed(inputs[places.r].values, units, r_columns);
    w_t = transposed(inputs[places.w].values, features, w_columns);
  }

  Weights weights() const { return {units, r_columns, inputs[places.r].values.data(), r_t}; }
  std::size_t step_at(std::size_t k) const { return attributes.reverse ? t - 1 - k : k; }
  bool counts(std::size_t sequence, std::size_t step) const {
    return !attributes.mask || inputs[places.mask].values[sequence * t + step] != 0;
  }
  Line initial(std::size_t sequence, std::size_t state) const {
    if (!attributes.initial || state >= static_cast<std::size_t>(cell.states)) return Line(units);
    return row(inputs[places.initial + state], sequence * units, units);
  }
  Line scaled(const Line& h, std::size_t sequence) const {
    Line s = h;
    if (attributes.scale)
      for (std::size_t u = 0; u < units; ++u)
        s.set(u, h[u] * Number(inputs[places.scale].values[sequence * units + u]));
    return s;
  }
  Line input(std::size_t sequence, std::size_t step) const {
    return row(inputs[places.x], (sequence * t + step) * features, features);
  }

  const RecurrentCell& cell;
  RecurrentAttributes attributes;
  RecurrentPlaces places;
  std::span<const ReferenceTensor> inputs;
  std::size_t n, t, features, units, w_columns, r_columns;
  std::vector<double> r_t, w_t;
};

ForwardStep first_step(const Layer& layer, std::size_t sequence) {
  const auto gates = static_cast<std::size_t>(layer.cell.gates) * layer.units;
  return {Line(layer.w_columns),      Line(layer.cell.two_biases ? layer.r_columns : 0),
          Line(layer.units),          layer.initial(sequence, 0),
          layer.initial(sequence, 1), Line(gates)};
}

void forward_sequence(const CellSteps& steps, const Layer& layer, std::size_t sequence,
                      std::span<ReferenceTensor> outputs) {
  const RecurrentResults results(layer.attributes, layer.cell);
  ForwardStep step = first_step(layer, sequence);
  for (std::size_t k = 0; k < layer.t; ++k) {
    const std::size_t at = layer.step_at(k), kept = at * layer.n + sequence;
    step.z = row(layer.inputs[layer.places.b], 0, layer.w_columns);
    if (layer.cell.two_biases)
      step.q = row(layer.inputs[layer.places.b], layer.w_columns, layer.r_columns);
    multiply(layer.input(sequence, at), 0, layer.features,
             layer.inputs[layer.places.w].values.data(), layer.w_columns, 0, layer.w_columns,
             step.z, 0);
    step.s = layer.scaled(step.h, sequence);
    const Line h = step.h, c = step.c;
    steps.forward(layer.weights(), step);
    if (!layer.counts(sequence, at)) {
      step.h = h;
      step.c = c;
    }
    store(step.h, outputs[results.y], (sequence * layer.t + at) * layer.units);
    if (!layer.attributes.keep) continue;
    store(step.gates, outputs[results.gates], kept * step.gates.size());
    if (layer.cell.states == 2) store(step.c, outputs[results.cells], kept * layer.units);
  }
  store(step.h, outputs[results.states], sequence * layer.units);
  if (layer.cell.states == 2) store(step.c, outputs[results.states + 1], sequence * layer.units);
}

// Sums over all sequences and steps.
struct ParameterSums {
  explicit ParameterSums(const Layer& layer)
      : dw(layer.features * layer.w_columns),
        dr(layer.units * layer.r_columns),
        db(layer.w_columns),
        dq(layer.cell.two_biases ? layer.r_columns : 0) {}
  Line dw, dr, db, dq;
};

void add_outer(const Line& a, const Line& b, std::size_t first, std::size_t count, Line& sums,
               std::size_t stride) {
  std::vector<double> magnitudes(count);
  for (std::size_t j = 0; j < count; ++j) magnitudes[j] = b[first + j].magnitude;
  for (std::size_t i = 0; i < a.size(); ++i)
    add_outer_loop(a.value[i], b.value.data() + first, magnitudes.data(), count,
                   sums.value.data() + i * stride + first,
                   sums.magnitude.data() + i * stride + first);
}

void add_parameters(const CellSteps& steps, const Layer& layer, const BackwardStep& step,
                    const Line& x, ParameterSums& sums) {
  add_outer(x, step.dz, 0, layer.w_columns, sums.dw, layer.w_columns);
  for (int gate = 0; gate < layer.cell.recurrent_gates; ++gate)
    add_outer(gate == steps.other_operand ? step.operand : step.s, step.dq,
              static_cast<std::size_t>(gate) * layer.units, layer.units, sums.dr, layer.r_columns);
  for (std::size_t j = 0; j < layer.w_columns; ++j) sums.db.add(j, step.dz[j]);
  for (std::size_t j = 0; j < sums.dq.size(); ++j) sums.dq.add(j, step.dq[j]);
}

// The states before step `at`: the ones that the step before left, or the initial ones.
void load_step(const Layer& layer, std::size_t sequence, std::size_t k, BackwardStep& step) {
  const std::size_t at = layer.step_at(k), kept = at * layer.n + sequence, units = layer.units;
  step.gates = row(layer.inputs[layer.places.gates], kept * step.gates.size(), step.gates.size());
  const bool cells = layer.cell.states == 2;
  if (cells) step.c_next = row(layer.inputs[layer.places.cells], kept * units, units);
  if (k == 0) {
    step.h = layer.initial(sequence, 0);
    step.c = layer.initial(sequence, 1);
  } else {
    const std::size_t before = layer.step_at(k - 1);
    step.h = row(layer.inputs[layer.places.y], (sequence * layer.t + before) * units, units);
    if (cells)
      step.c = row(layer.inputs[layer.places.cells], (before * layer.n + sequence) * units, units);
  }
  step.s = layer.scaled(step.h, sequence);
}

void backward_step(const CellSteps& steps, const Layer& layer, std::size_t sequence, std::size_t at,
                   BackwardStep& step, ParameterSums& sums, Line& dx) {
  step.dz = Line(layer.w_columns);
  step.dq = Line(layer.r_columns);
  step.ds = Line(layer.units);
  steps.backward(layer.weights(), step);
  const Line ds = layer.scaled(step.ds, sequence);
  for (std::size_t u = 0; u < layer.units; ++u) step.dh.add(u, ds[u]);
  add_parameters(steps, layer, step, layer.input(sequence, at), sums);
  multiply(step.dz, 0, layer.w_columns, layer.w_t.data(), layer.features, 0, layer.features, dx, 0);
}

void backward_sequence(const CellSteps& steps, const Layer& layer, std::size_t sequence,
                       ParameterSums& sums, std::span<ReferenceTensor> outputs) {
  const RecurrentGradients results(layer.attributes, layer.cell);
  const std::size_t units = layer.units;
  const Line empty(units);
  BackwardStep step{Line(static_cast<std::size_t>(layer.cell.gates) * units),
                    empty,
                    empty,
                    empty,
                    empty,
                    empty,
                    empty,
                    Line(0),
                    Line(0),
                    empty,
                    empty};
  if (layer.attributes.state_gradients) {
    step.dh = row(layer.inputs[layer.places.dstates], sequence * units, units);
    if (layer.cell.states == 2)
      step.dc = row(layer.inputs[layer.places.dstates + 1], sequence * units, units);
  }
  for (std::size_t k = layer.t; k-- > 0;) {
    const std::size_t at = layer.step_at(k), element = sequence * layer.t + at;
    if (layer.attributes.sequence_gradient)
      for (std::size_t u = 0; u < units; ++u)
        step.dh.add(u, layer.inputs[layer.places.dy].values[element * units + u]);
    Line dx(layer.features);
    if (layer.counts(sequence, at)) {
      load_step(layer, sequence, k, step);
      backward_step(steps, layer, sequence, at, step, sums, dx);
    }
    if (layer.attributes.input_gradient) store(dx, outputs[results.dx], element * layer.features);
  }
  if (!layer.attributes.initial) return;
  store(step.dh, outputs[results.initial], sequence * units);
  if (layer.cell.states == 2) store(step.dc, outputs[results.initial + 1], sequence * units);
}

void size_magnitudes(std::span<ReferenceTensor> outputs) {
  for (ReferenceTensor& output : outputs) output.magnitudes.assign(output.values.size(), 0);
}

}  // namespace

void Weights::recurrent(const Line& s, std::size_t gate, Line& to, std::size_t first) const {
  multiply(s, 0, units, r, columns, gate * units, units, to, first);
}
void Weights::transposed(const Line& dz, std::size_t first, std::size_t gate, Line& to) const {
  multiply(dz, first, units, r_t.data() + gate * units * units, units, 0, units, to, 0);
}

void recurrent_forward(const CellSteps& steps, const Problem& problem,
                       std::span<const ReferenceTensor> inputs,
                       std::span<ReferenceTensor> outputs) {
  size_magnitudes(outputs);
  const Layer layer(steps, problem, inputs, false);
  cpu::parallel_for(static_cast<std::int64_t>(layer.n), 1,
                    [&](std::int64_t begin, std::int64_t end) {
                      for (std::int64_t n = begin; n < end; ++n)
                        forward_sequence(steps, layer, static_cast<std::size_t>(n), outputs);
                    });
}

void recurrent_backward(const CellSteps& steps, const Problem& problem,
                        std::span<const ReferenceTensor> inputs,
                        std::span<ReferenceTensor> outputs) {
  size_magnitudes(outputs);
  const Layer layer(steps, problem, inputs, true);
  ParameterSums sums(layer);
  for (std::size_t n = 0; n < layer.n; ++n) backward_sequence(steps, layer, n, sums, outputs);
  const RecurrentGradients results(layer.attributes, layer.cell);
  store(sums.dw, outputs[results.dw], 0);
  store(sums.dr, outputs[results.dr], 0);
  store(sums.db, outputs[results.db], 0);
  if (layer.cell.two_biases) store(sums.dq, outputs[results.db], layer.w_columns);
}

InputRange recurrent_range(const RecurrentCell& cell, const Problem& problem, std::size_t input) {
  const RecurrentPlaces places(RecurrentAttributes::from(problem.attributes), cell,
                               problem.op != cell.op);
  const RecurrentExtents n = RecurrentExtents::of(problem, cell);
  const auto weights = [](std::int64_t terms) {
    const double limit = 0.8 / std::sqrt(static_cast<double>(std::max<std::int64_t>(1, terms)));
    return InputRange{-limit, limit};
  };
  if (input == places.w) return weights(n.inputs);
  if (input == places.r) return weights(n.units);
  return {};
}

void derive_recurrent_inputs(const CellSteps& steps, const Problem& problem,
                             std::span<ReferenceTensor> inputs) {
  RecurrentAttributes attributes = RecurrentAttributes::from(problem.attributes);
  const RecurrentPlaces places(attributes, steps.cell, true);
  const RecurrentExtents n = RecurrentExtents::of(problem, steps.cell);
  attributes.keep = true;
  const RecurrentResults results(attributes, steps.cell);

  Problem layer;
  layer.op = steps.cell.op;
  layer.attributes = attributes.to_attributes(false);
  layer.inputs.assign(problem.inputs.begin() + static_cast<std::ptrdiff_t>(places.x),
                      problem.inputs.begin() + static_cast<std::ptrdiff_t>(places.y));
  layer.outputs.assign(results.count, {{n.sequences, n.units}, DType::f32});
  layer.outputs[results.y] = problem.inputs[places.y];
  layer.outputs[results.gates] = problem.inputs[places.gates];
  const bool cells = places.cells != RecurrentPlaces::kNone;
  if (cells) layer.outputs[results.cells] = problem.inputs[places.cells];

  std::vector<ReferenceTensor> outputs =
      evaluate_reference(layer, inputs.subspan(places.x, places.y - places.x));
  inputs[places.y] = std::move(outputs[results.y]);
  inputs[places.gates] = std::move(outputs[results.gates]);
  if (cells) inputs[places.cells] = std::move(outputs[results.cells]);
}

}  // namespace engine::reference
