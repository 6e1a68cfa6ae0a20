// References of gru, gru_reset_after and their gradients.
#include "kernels/gru.h"

#include "kernels/reference/recurrent_steps.h"

namespace engine {
namespace {

using reference::BackwardStep;
using reference::ForwardStep;
using reference::Line;
using reference::Number;
using reference::Weights;

void finish_gru(std::size_t u, std::size_t units, Number z, Number r, Number n, ForwardStep& step) {
  step.gates.set(u, z);
  step.gates.set(units + u, r);
  step.gates.set(2 * units + u, n);
  step.h.set(u, z * step.h[u] + (Number(1) - z) * n);
}

void gru_forward(const Weights& weights, ForwardStep& step) {
  const std::size_t units = weights.units;
  weights.recurrent(step.s, 0, step.z, 0);
  weights.recurrent(step.s, 1, step.z, units);
  Line operand(units);
  for (std::size_t u = 0; u < units; ++u)
    operand.set(u, reference::sigmoid(step.z[units + u]) * step.s[u]);
  weights.recurrent(operand, 2, step.z, 2 * units);
  for (std::size_t u = 0; u < units; ++u)
    finish_gru(u, units, reference::sigmoid(step.z[u]), reference::sigmoid(step.z[units + u]),
               reference::tanh(step.z[2 * units + u]), step);
}

void gru_forward_reset_after(const Weights& weights, ForwardStep& step) {
  const std::size_t units = weights.units;
  for (std::size_t gate = 0; gate < 3; ++gate)
    weights.recurrent(step.s, gate, step.q, gate * units);
  for (std::size_t u = 0; u < units; ++u) {
    const Number r = reference::sigmoid(step.z[units + u] + step.q[units + u]);
    const Number q = step.q[2 * units + u];
    finish_gru(u, units, reference::sigmoid(step.z[u] + step.q[u]), r,
               reference::tanh(step.z[2 * units + u] + r * q), step);
    step.gates.set(3 * units + u, q);
  }
}

// At z and n before their functions, and at the state before, directly.
void start_gru_backward(std::size_t u, std::size_t units, BackwardStep& step) {
  const Number one(1), z = step.gates[u], n = step.gates[2 * units + u], dh = step.dh[u];
  step.dz.set(u, dh * (step.h[u] - n) * z * (one - z));
  step.dz.set(2 * units + u, dh * (one - z) * (one - n * n));
  step.dh.set(u, dh * z);
}

Number reset_slope(Number r) {
  return r * (Number(1) - r);
}

void gru_backward(const Weights& weights, BackwardStep& step) {
  const std::size_t units = weights.units;
  for (std::size_t u = 0; u < units; ++u) start_gru_backward(u, units, step);
  Line d_operand(units);
  weights.transposed(step.dz, 2 * units, 2, d_operand);
  for (std::size_t u = 0; u < units; ++u) {
    const Number r = step.gates[units + u];
    step.dz.set(units + u, d_operand[u] * step.s[u] * reset_slope(r));
    step.ds.set(u, d_operand[u] * r);
    step.operand.set(u, r * step.s[u]);
  }
  step.dq = step.dz;
  weights.transposed(step.dq, 0, 0, step.ds);
  weights.transposed(step.dq, units, 1, step.ds);
}

void gru_backward_reset_after(const Weights& weights, BackwardStep& step) {
  const std::size_t units = weights.units;
  for (std::size_t u = 0; u < units; ++u) {
    start_gru_backward(u, units, step);
    const Number r = step.gates[units + u], dn = step.dz[2 * units + u];
    step.dz.set(units + u, dn * step.gates[3 * units + u] * reset_slope(r));
    step.dq.set(u, step.dz[u]);
    step.dq.set(units + u, step.dz[units + u]);
    step.dq.set(2 * units + u, dn * r);
  }
  for (std::size_t gate = 0; gate < 3; ++gate)
    weights.transposed(step.dq, gate * units, gate, step.ds);
}

constexpr reference::CellSteps kGruSteps{kGru, gru_forward, gru_backward, 2};
constexpr reference::CellSteps kGruResetAfterSteps{kGruResetAfter, gru_forward_reset_after,
                                                   gru_backward_reset_after, -1};

}  // namespace

void register_gru_reference(ReferenceRegistry& registry) {
  reference::add_recurrent<kGruSteps>(registry);
  reference::add_recurrent<kGruResetAfterSteps>(registry);
}

}  // namespace engine
