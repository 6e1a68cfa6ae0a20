// The references of lstm and gru: one loop over sequences and steps for all cells, which say what
// happens between the products.
//
// Magnitudes are those of a step, with the error that the state before brings along: a product
// s · r has the magnitude |s|·|r| + sqrt(sum of (magnitude of s · r)²), since errors of many units
// are independent of each other and do not add up.
#pragma once

#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/tune/registry.h"
#include "kernels/recurrent.h"

namespace engine::reference {

/// A number and the scale of the errors in it, which add up to first order. (Products of
/// magnitudes, as tracked.h has them, would grow over the steps without bound.)
struct Number {
  double value = 0, magnitude = 0;

  Number() = default;
  Number(double v) : value(v), magnitude(std::abs(v)) {}
  Number(double v, double m) : value(v), magnitude(m) {}

  friend Number operator+(Number a, Number b) {
    return {a.value + b.value, a.magnitude + b.magnitude};
  }
  friend Number operator-(Number a, Number b) {
    return {a.value - b.value, a.magnitude + b.magnitude};
  }
  friend Number operator*(Number a, Number b) {
    return {a.value * b.value, std::abs(a.value) * b.magnitude + a.magnitude * std::abs(b.value)};
  }
};

inline Number sigmoid(Number x) {
  const double y = 1 / (1 + std::exp(-x.value));
  return {y, y + y * (1 - y) * x.magnitude};
}
inline Number tanh(Number x) {
  const double y = std::tanh(x.value);
  return {y, std::abs(y) + (1 - y * y) * x.magnitude};
}

/// A line of sums in progress.
struct Line {
  std::vector<double> value, magnitude, squares;
  explicit Line(std::size_t count) : value(count), magnitude(count), squares(count) {}
  std::size_t size() const { return value.size(); }
  Number operator[](std::size_t i) const {
    return {value[i], magnitude[i] + std::sqrt(squares[i])};
  }
  void set(std::size_t i, Number x) {
    value[i] = x.value;
    magnitude[i] = x.magnitude;
    squares[i] = 0;
  }
  void add(std::size_t i, Number x) { set(i, (*this)[i] + x); }
};

/// The products that cells ask for.
struct Weights {
  std::size_t units;
  std::size_t columns;             ///< of r
  const double* r;                 ///< [units, columns]
  const std::vector<double>& r_t;  ///< [columns, units]

  /// to[first ...] += s · (gate's block of r).
  void recurrent(const Line& s, std::size_t gate, Line& to, std::size_t first) const;
  /// to += dz[first ... first + units) · (gate's block of r)ᵀ.
  void transposed(const Line& dz, std::size_t first, std::size_t gate, Line& to) const;
};

struct ForwardStep {
  Line z;      ///< x·w + b, by the gates of w
  Line q;      ///< the second bias, by the gates of r; empty where there is none
  Line s;      ///< the state h, scaled
  Line h, c;   ///< the states before, then those after
  Line gates;  ///< to be kept
};

struct BackwardStep {
  Line gates;            ///< as kept
  Line h, s, c, c_next;  ///< the states before (s scaled), and the cell's after
  Line dh, dc;           ///< at the states after; then at those before, but for what comes by ds
  Line dz;               ///< at x·w + b, by the gates of w
  Line dq;               ///< at the products with r, by the gates of r
  Line ds;               ///< at s
  Line operand;          ///< what gate n of r multiplied, where it is not s
};

/// What happens between the products of a cell.
struct CellSteps {
  const RecurrentCell& cell;
  /// Multiplies by r, and leaves gates and the states after.
  void (*forward)(const Weights&, ForwardStep&);
  /// Leaves dz, dq, ds, and what else reaches the states before in dh and dc.
  void (*backward)(const Weights&, BackwardStep&);
  int other_operand;  ///< the gate of r that multiplies something else than s, or -1
};

void recurrent_forward(const CellSteps& steps, const Problem& problem,
                       std::span<const ReferenceTensor> inputs, std::span<ReferenceTensor> outputs);
void recurrent_backward(const CellSteps& steps, const Problem& problem,
                        std::span<const ReferenceTensor> inputs,
                        std::span<ReferenceTensor> outputs);
/// Weights so small that rounding errors fade from step to step.
InputRange recurrent_range(const RecurrentCell& cell, const Problem& problem, std::size_t input);
/// What a gradient reads of the layer: y, gates and cells.
void derive_recurrent_inputs(const CellSteps& steps, const Problem& problem,
                             std::span<ReferenceTensor> inputs);

template <const CellSteps& steps>
void add_recurrent(ReferenceRegistry& registry) {
  const std::string op = steps.cell.op;
  const InputRanges ranges = [](const Problem& problem, std::size_t input) {
    return recurrent_range(steps.cell, problem, input);
  };
  registry.add(
      op,
      [](const Problem& problem, std::span<const ReferenceTensor> inputs,
         std::span<ReferenceTensor> outputs) {
        recurrent_forward(steps, problem, inputs, outputs);
      },
      ranges);
  registry.add(
      op + "_gradient",
      [](const Problem& problem, std::span<const ReferenceTensor> inputs,
         std::span<ReferenceTensor> outputs) {
        recurrent_backward(steps, problem, inputs, outputs);
      },
      ranges,
      [](const Problem& problem, std::span<ReferenceTensor> inputs) {
        derive_recurrent_inputs(steps, problem, inputs);
      });
}

}  // namespace engine::reference
