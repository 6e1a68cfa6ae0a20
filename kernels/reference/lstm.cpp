// References of lstm and its gradient.
#include "kernels/lstm.h"

#include "kernels/reference/recurrent_steps.h"

namespace engine {
namespace {

using reference::BackwardStep;
using reference::ForwardStep;
using reference::Line;
using reference::Number;
using reference::Weights;

void lstm_forward(const Weights& weights, ForwardStep& step) {
  const std::size_t units = weights.units;
  for (std::size_t gate = 0; gate < 4; ++gate)
    weights.recurrent(step.s, gate, step.z, gate * units);
  for (std::size_t u = 0; u < units; ++u) {
    const Number i = reference::sigmoid(step.z[u]), f = reference::sigmoid(step.z[units + u]),
                 g = reference::tanh(step.z[2 * units + u]),
                 o = reference::sigmoid(step.z[3 * units + u]);
    const Number c = f * step.c[u] + i * g;
    step.c.set(u, c);
    step.h.set(u, o * reference::tanh(c));
    step.gates.set(u, i);
    step.gates.set(units + u, f);
    step.gates.set(2 * units + u, g);
    step.gates.set(3 * units + u, o);
  }
}

void lstm_backward(const Weights& weights, BackwardStep& step) {
  const std::size_t units = weights.units;
  const Number one(1);
  for (std::size_t u = 0; u < units; ++u) {
    const Number i = step.gates[u], f = step.gates[units + u], g = step.gates[2 * units + u],
                 o = step.gates[3 * units + u];
    const Number t = reference::tanh(step.c_next[u]), dh = step.dh[u];
    const Number dc = step.dc[u] + dh * o * (one - t * t);
    step.dz.set(u, dc * g * i * (one - i));
    step.dz.set(units + u, dc * step.c[u] * f * (one - f));
    step.dz.set(2 * units + u, dc * i * (one - g * g));
    step.dz.set(3 * units + u, dh * t * o * (one - o));
    step.dc.set(u, dc * f);
    step.dh.set(u, Number());
  }
  step.dq = step.dz;
  for (std::size_t gate = 0; gate < 4; ++gate)
    weights.transposed(step.dq, gate * units, gate, step.ds);
}

constexpr reference::CellSteps kLstmSteps{kLstm, lstm_forward, lstm_backward, -1};

}  // namespace

void register_lstm_reference(ReferenceRegistry& registry) {
  reference::add_recurrent<kLstmSteps>(registry);
}

}  // namespace engine
