#include "kernels/recurrent.h"

#include <cmath>

#include "engine/core/error.h"

namespace engine {

RecurrentAttributes RecurrentAttributes::from(const Attributes& attributes) {
  const auto flag = [&](const char* name) { return attributes.has(name) && attributes.flag(name); };
  RecurrentAttributes result;
  result.initial = flag("initial");
  result.mask = flag("mask");
  result.scale = flag("scale");
  result.reverse = flag("reverse");
  result.keep = flag("keep");
  result.sequence_gradient = flag("dy");
  result.state_gradients = flag("dstates");
  result.input_gradient = flag("dx");
  return result;
}

Attributes RecurrentAttributes::to_attributes(bool gradient) const {
  Attributes attributes;
  const auto set = [&](const char* name, bool value) {
    if (value) attributes.set(name, true);
  };
  set("initial", initial);
  set("mask", mask);
  set("scale", scale);
  set("reverse", reverse);
  set("keep", keep && !gradient);
  set("dy", sequence_gradient && gradient);
  set("dstates", state_gradients && gradient);
  set("dx", input_gradient && gradient);
  return attributes;
}

RecurrentPlaces::RecurrentPlaces(const RecurrentAttributes& attributes, const RecurrentCell& cell,
                                 bool gradient) {
  const auto states = static_cast<std::size_t>(cell.states);
  std::size_t next = 0;
  const auto take = [&](std::size_t& place, bool present, std::size_t operands = 1) {
    if (!present) return;
    place = next;
    next += operands;
  };
  take(dy, gradient && attributes.sequence_gradient);
  take(dstates, gradient && attributes.state_gradients, states);
  for (std::size_t* place : {&x, &w, &r, &b}) take(*place, true);
  take(initial, attributes.initial, states);
  take(mask, attributes.mask);
  take(scale, attributes.scale);
  take(y, gradient);
  take(gates, gradient);
  take(cells, gradient && cell.states == 2);
  count = next;
}

RecurrentResults::RecurrentResults(const RecurrentAttributes& attributes, const RecurrentCell& cell)
    : count(1 + static_cast<std::size_t>(cell.states)) {
  if (!attributes.keep) return;
  gates = count++;
  if (cell.states == 2) cells = count++;
}

RecurrentGradients::RecurrentGradients(const RecurrentAttributes& attributes,
                                       const RecurrentCell& cell)
    : count(3) {
  if (attributes.initial) {
    initial = count;
    count += static_cast<std::size_t>(cell.states);
  }
  if (attributes.input_gradient) dx = count++;
}

RecurrentExtents RecurrentExtents::of(const Problem& problem, const RecurrentCell& cell) {
  const RecurrentPlaces places(RecurrentAttributes::from(problem.attributes), cell,
                               problem.op != cell.op);
  const Shape& x = problem.inputs.at(places.x).shape;
  return {x[0], x[1], x[2], problem.inputs.at(places.r).shape[0]};
}

double recurrent_error_factor(const RecurrentExtents& extents) {
  return 32 + 2 * std::sqrt(static_cast<double>(extents.inputs + extents.units)) +
         std::sqrt(static_cast<double>(extents.sequences * extents.steps));
}

}  // namespace engine
