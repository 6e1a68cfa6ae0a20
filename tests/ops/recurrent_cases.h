// The cases that lstm and gru share: shapes around the blocks and tiles of their kernels, with
// every operand that may be there. Weights are drawn so small that rounding errors fade from step
// to step; with larger ones a recurrent net is chaotic, and no two computations agree.
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <memory>
#include <vector>

#include "kernels/recurrent.h"
#include "tests/support/case_table.h"

namespace engine::test {

using RecurrentMaker = std::shared_ptr<const graph::Op> (*)(const RecurrentAttributes&);

class RecurrentCases {
 public:
  RecurrentCases(CaseTable& table, const RecurrentCell& cell, RecurrentMaker make,
                 RecurrentMaker make_gradient)
      : table_(table), cell_(cell), make_(make), make_gradient_(make_gradient) {}

  void add_all() const {
    for (const RecurrentExtents& n : shapes()) {
      add(n, {}, {.sequence_gradient = true, .input_gradient = true});
      add(n, {.initial = true, .mask = true, .scale = true},
          {.sequence_gradient = true, .state_gradients = true, .input_gradient = true});
    }
    const RecurrentExtents n{5, 6, 3, 7};
    for (int flags = 0; flags < 16; ++flags) {
      const RecurrentAttributes attributes{.initial = (flags & 1) != 0,
                                           .mask = (flags & 2) != 0,
                                           .scale = (flags & 4) != 0,
                                           .reverse = (flags & 8) != 0};
      add(n, attributes, {.sequence_gradient = true, .input_gradient = flags % 3 == 0});
      add(n, attributes, {.state_gradients = true, .input_gradient = flags % 3 != 0});
    }
    add_forward(n, {.keep = false}, kReals);
    add_forward(n, {.initial = true, .mask = true, .keep = false}, kReals);
    add_forward(n, {.initial = true, .reverse = true, .keep = false}, kReals);
    add_forward({33, 9, 17, 31}, {.reverse = true, .keep = false}, kReals);
    const double nan = std::nan("");
    add_forward(n, {}, {Kind::reals, nan, nan});
    add_forward(n, {}, {Kind::reals, -300, 300});
  }

 private:
  static std::vector<RecurrentExtents> shapes() {
    return {{0, 3, 2, 4},     {3, 0, 2, 4},   {3, 4, 0, 5},    {1, 1, 1, 1},     {2, 3, 2, 3},
            {7, 5, 8, 15},    {8, 3, 15, 16}, {9, 4, 17, 8},   {16, 9, 31, 33},  {17, 2, 33, 31},
            {31, 3, 32, 32},  {33, 4, 1, 63}, {65, 3, 63, 64}, {12, 20, 50, 50}, {64, 7, 125, 100},
            {130, 5, 1, 128}, {3, 2, 5, 100}, {2, 2, 3, 128},  {2, 2, 4, 170}};
  }

  static OpCase with(const OpCase& test, const RecurrentExtents& n) {
    OpCase result = test;
    result.large = n.sequences * n.steps * n.units * (n.units + n.inputs) > 150000;
    return result;
  }

  static OpCase named(const RecurrentExtents& n, const Attributes& attributes,
                      std::shared_ptr<const graph::Op> op) {
    return {.name = fmt::format("{}x{}x{}->{} {}", n.sequences, n.steps, n.inputs, n.units,
                                attributes.to_string()),
            .op = std::move(op),
            .types = {},
            .draws = {}};
  }

  void add(const RecurrentExtents& n, const RecurrentAttributes& layer,
           const RecurrentAttributes& gradients) const {
    add_forward(n, layer, kReals);
    RecurrentAttributes attributes = layer;
    attributes.sequence_gradient = gradients.sequence_gradient;
    attributes.state_gradients = gradients.state_gradients;
    attributes.input_gradient = gradients.input_gradient;
    OpCase test = named(n, attributes.to_attributes(true), make_gradient_(attributes));
    if (attributes.sequence_gradient) operand(test, {n.sequences, n.steps, n.units}, kReals);
    for (int i = 0; attributes.state_gradients && i < cell_.states; ++i)
      operand(test, {n.sequences, n.units}, kReals);
    add_layer(test, n, attributes, kReals);
    // These follow from the others.
    operand(test, {n.sequences, n.steps, n.units}, kReals);
    operand(test, {n.steps, n.sequences, cell_.gates * n.units}, kReals);
    if (cell_.states == 2) operand(test, {n.steps, n.sequences, n.units}, kReals);
    table_.add(with(test, n));
  }

  void add_forward(const RecurrentExtents& n, const RecurrentAttributes& attributes,
                   const InputDraw& x) const {
    OpCase test = named(n, attributes.to_attributes(false), make_(attributes));
    if (x.high != 1) test.name += fmt::format(" below {}", x.high);
    add_layer(test, n, attributes, x);
    const std::int64_t work = n.sequences * n.steps * n.units * (n.inputs + n.units);
    test.gradient = attributes.keep && x.high == 1 && work > 0 && work < 2500;
    table_.add(with(test, n));
  }

  void add_layer(OpCase& test, const RecurrentExtents& n, const RecurrentAttributes& attributes,
                 const InputDraw& x) const {
    const double range = 0.8 / std::sqrt(static_cast<double>(n.units));
    const InputDraw weights{Kind::reals, -range, range};
    const std::int64_t columns = cell_.input_gates * n.units;
    operand(test, {n.sequences, n.steps, n.inputs}, x);
    operand(test, {n.inputs, columns}, kReals);
    operand(test, {n.units, cell_.recurrent_gates * n.units}, weights);
    operand(test, cell_.two_biases ? Shape{2, columns} : Shape{columns}, kReals);
    for (int i = 0; attributes.initial && i < cell_.states; ++i)
      operand(test, {n.sequences, n.units}, kReals);
    if (attributes.mask) {
      test.types.push_back({{n.sequences, n.steps}, DType::u8});
      test.draws.push_back({Kind::integers, 0, 2});
    }
    if (attributes.scale) operand(test, {n.sequences, n.units}, {Kind::reals, 0, 1.25});
  }

  static void operand(OpCase& test, const Shape& shape, const InputDraw& draw) {
    test.types.push_back(f32(shape));
    test.draws.push_back(draw);
  }

  CaseTable& table_;
  const RecurrentCell& cell_;
  RecurrentMaker make_, make_gradient_;
};

}  // namespace engine::test
