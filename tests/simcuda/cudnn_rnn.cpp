#include "cudnn_rnn.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <vector>

#include "product.h"

namespace simcuda {
namespace {

constexpr std::size_t reserve_head = 4;  // its first float says who was there last
constexpr float after_forward = 1, after_backward_data = 2;

std::size_t padded(std::size_t floats) {
  return (floats + 7) / 8 * 8 + 8;
}

float sigmoid(float x) {
  return 1 / (1 + std::exp(-x));
}

// What a forward pass keeps, and what the backward pass of the data adds for that of the weights.
struct Reserve {
  float *head, *gates, *cells, *dz, *dq;

  Reserve(const CudnnRnn& rnn, std::size_t rows, float* memory)
      : head(memory),
        gates(memory + reserve_head),
        cells(gates + rows * 4 * rnn.units),
        dz(cells + rows * rnn.units),
        dq(dz + rows * rnn.width()) {}

  bool expect(float stage, const char* what) const {
    if (*head == stage) return true;
    std::fprintf(stderr, "simcuda: cuDNN: the reserve space is not what %s leaves\n", what);
    return false;
  }
};

// What a cell reads and writes of one unit at one step.
struct Unit {
  const CudnnRnn& rnn;
  std::size_t row, unit;  // row: of a step and a sequence

  float& at(float* rows, std::size_t gate) const {
    return rows[row * rnn.width() + gate * rnn.units + unit];
  }
  float& kept(const Reserve& reserve, std::size_t gate) const {
    return reserve.gates[(row * 4 + gate) * rnn.units + unit];
  }
};

struct States {
  float h, c;
};

States lstm_forward(const float (&z)[4], const float (&q)[4], States before, float (&kept)[4]) {
  for (int gate = 0; gate < 4; ++gate)
    kept[gate] = gate == 2 ? std::tanh(z[gate] + q[gate]) : sigmoid(z[gate] + q[gate]);
  const float c = kept[1] * before.c + kept[0] * kept[2];
  return {kept[3] * std::tanh(c), c};
}

States gru_forward(const float (&z)[4], const float (&q)[4], States before, float (&kept)[4]) {
  kept[0] = sigmoid(z[0] + q[0]);
  kept[1] = sigmoid(z[1] + q[1]);
  kept[2] = std::tanh(z[2] + kept[0] * q[2]);
  kept[3] = q[2];
  return {(1 - kept[1]) * kept[2] + kept[1] * before.h, 0};
}

// Leaves the gradients at both products; answers those at the states before, but for what comes by
// the product with the state.
States lstm_backward(const float (&kept)[4], States before, float c, States d, float (&dz)[4],
                     float (&dq)[4]) {
  const float t = std::tanh(c), dc = d.c + d.h * kept[3] * (1 - t * t);
  dz[0] = dc * kept[2] * kept[0] * (1 - kept[0]);
  dz[1] = dc * before.c * kept[1] * (1 - kept[1]);
  dz[2] = dc * kept[0] * (1 - kept[2] * kept[2]);
  dz[3] = d.h * t * kept[3] * (1 - kept[3]);
  std::copy(dz, dz + 4, dq);
  return {0, dc * kept[1]};
}

States gru_backward(const float (&kept)[4], States before, States d, float (&dz)[4],
                    float (&dq)[4]) {
  dz[1] = d.h * (before.h - kept[2]) * kept[1] * (1 - kept[1]);
  dz[2] = d.h * (1 - kept[1]) * (1 - kept[2] * kept[2]);
  dz[0] = dz[2] * kept[3] * kept[0] * (1 - kept[0]);
  dq[0] = dz[0];
  dq[1] = dz[1];
  dq[2] = dz[2] * kept[0];
  return {d.h * kept[1], 0};
}

class Loops {
 public:
  Loops(const CudnnRnn& rnn, const CudnnRnnExtents& n, const CudnnRnnOperands& o)
      : rnn_(rnn), n_(n), o_(o), states_(n.sequences * rnn.units) {}

  void forward() const {
    auto xw = products(o_.x, n_.rows(), 0);
    std::vector<float> h = loaded(o_.hx), c = loaded(o_.cx);
    for (std::size_t step = 0; step < n_.steps; ++step) {
      auto q = products(h.data(), n_.sequences, rnn_.gates());
      each_unit(step, [&](const Unit& unit, const Unit& here, std::size_t state) {
        float z_unit[4] = {}, q_unit[4] = {}, kept[4];
        for (std::size_t gate = 0; gate < rnn_.gates(); ++gate) {
          z_unit[gate] = unit.at(xw.data(), gate);
          q_unit[gate] = here.at(q.data(), gate);
        }
        const States before{h[state], c[state]};
        const States after = rnn_.lstm ? lstm_forward(z_unit, q_unit, before, kept)
                                       : gru_forward(z_unit, q_unit, before, kept);
        h[state] = o_.y[step * states_ + state] = after.h;
        c[state] = after.c;
        keep(unit, kept, after.c);
      });
    }
    if (o_.reserve != nullptr) *o_.reserve = after_forward;
    if (o_.hy != nullptr) std::copy(h.begin(), h.end(), o_.hy);
    if (o_.cy != nullptr) std::copy(c.begin(), c.end(), o_.cy);
  }

  void backward_data(const CudnnRnnGradients& d) const {
    const Reserve reserve(rnn_, n_.rows(), o_.reserve);
    if (!reserve.expect(after_forward, "a forward pass of training")) {
      std::fill_n(d.dx, n_.rows() * rnn_.inputs, std::numeric_limits<float>::quiet_NaN());
      return;
    }
    std::vector<float> dh = loaded(d.dhy), dc = loaded(d.dcy);
    for (std::size_t step = n_.steps; step-- > 0;) {
      each_unit(step, [&](const Unit& unit, const Unit&, std::size_t state) {
        const States at_step{dh[state] + d.dy[step * states_ + state], dc[state]};
        const States before = retreat(reserve, unit, step, state, at_step);
        dh[state] = before.h;
        dc[state] = before.c;
      });
      const auto ds = transposed_products(reserve.dq + step * n_.sequences * rnn_.width(),
                                          n_.sequences, rnn_.gates());
      for (std::size_t i = 0; i < states_; ++i) dh[i] += ds[i];
    }
    const auto dx = transposed_products(reserve.dz, n_.rows(), 0);
    std::copy(dx.begin(), dx.end(), d.dx);
    if (d.dhx != nullptr) std::copy(dh.begin(), dh.end(), d.dhx);
    if (d.dcx != nullptr) std::copy(dc.begin(), dc.end(), d.dcx);
    *reserve.head = after_backward_data;
  }

  void backward_weights(float* dweights) const {
    const Reserve reserve(rnn_, n_.rows(), o_.reserve);
    if (!reserve.expect(after_backward_data, "a backward pass of the data")) {
      std::fill_n(dweights, cudnn_rnn_weights(rnn_), std::numeric_limits<float>::quiet_NaN());
      return;
    }
    std::vector<float> before = loaded(o_.hx);
    before.insert(before.end(), o_.y, o_.y + (n_.steps - 1) * states_);
    for (std::size_t gate = 0; gate < 2 * rnn_.gates(); ++gate)
      add_parameters(gate, gate < rnn_.gates() ? reserve.dz : reserve.dq,
                     gate < rnn_.gates() ? o_.x : before.data(), dweights);
  }

 private:
  // Calls visit(unit in rows of all steps, unit in rows of one, its place in the states).
  template <class Visit>
  void each_unit(std::size_t step, Visit visit) const {
    for (std::size_t n = 0; n < n_.sequences; ++n)
      for (std::size_t u = 0; u < rnn_.units; ++u)
        visit(Unit{rnn_, step * n_.sequences + n, u}, Unit{rnn_, n, u}, n * rnn_.units + u);
  }

  std::vector<float> loaded(const float* states) const {
    return states == nullptr ? std::vector<float>(states_)
                             : std::vector<float>(states, states + states_);
  }

  void keep(const Unit& unit, const float (&kept)[4], float c) const {
    if (o_.reserve == nullptr) return;
    const Reserve reserve(rnn_, n_.rows(), o_.reserve);
    for (std::size_t gate = 0; gate < 4; ++gate) unit.kept(reserve, gate) = kept[gate];
    reserve.cells[unit.row * rnn_.units + unit.unit] = c;
  }

  States retreat(const Reserve& reserve, const Unit& unit, std::size_t step, std::size_t state,
                 States d) const {
    float kept[4], dz[4] = {}, dq[4] = {};
    for (std::size_t gate = 0; gate < 4; ++gate) kept[gate] = unit.kept(reserve, gate);
    const auto value = [&](const float* rows, const float* initial) {
      if (step > 0) return rows[(step - 1) * states_ + state];
      return initial == nullptr ? 0.0f : initial[state];
    };
    const States before{value(o_.y, o_.hx), value(reserve.cells, o_.cx)};
    const States result =
        rnn_.lstm ? lstm_backward(kept, before, reserve.cells[step * states_ + state], d, dz, dq)
                  : gru_backward(kept, before, d, dz, dq);
    for (std::size_t gate = 0; gate < rnn_.gates(); ++gate) {
      unit.at(reserve.dz, gate) = dz[gate];
      unit.at(reserve.dq, gate) = dq[gate];
    }
    return result;
  }

  // rows · matrixᵀ + bias of each gate from the `first` on, [count, width].
  std::vector<float> products(const float* rows, std::size_t count, std::size_t first) const {
    std::vector<float> result(count * rnn_.width());
    for (std::size_t gate = 0; gate < rnn_.gates(); ++gate) {
      const CudnnRnnGate place = cudnn_rnn_gate(rnn_, first + gate);
      const auto stride = static_cast<std::int64_t>(place.columns);
      const auto product = multiply({rows, stride, 1}, {o_.weights + place.matrix, 1, stride},
                                    count, rnn_.units, place.columns, 1, rnn_.tf32);
      for (std::size_t i = 0; i < product.size(); ++i)
        result[i / rnn_.units * rnn_.width() + gate * rnn_.units + i % rnn_.units] =
            product[i] + o_.weights[place.bias + i % rnn_.units];
    }
    return result;
  }

  // The sum over those gates of d · matrix, [count, columns].
  std::vector<float> transposed_products(const float* d, std::size_t count,
                                         std::size_t first) const {
    std::vector<float> sums;
    for (std::size_t gate = 0; gate < rnn_.gates(); ++gate) {
      const CudnnRnnGate place = cudnn_rnn_gate(rnn_, first + gate);
      const auto product =
          multiply({d + gate * rnn_.units, static_cast<std::int64_t>(rnn_.width()), 1},
                   {o_.weights + place.matrix, static_cast<std::int64_t>(place.columns), 1}, count,
                   place.columns, rnn_.units, 1, rnn_.tf32);
      sums.resize(product.size());
      for (std::size_t i = 0; i < product.size(); ++i) sums[i] += product[i];
    }
    return sums;
  }

  // dweights of a gate += dᵀ · operand, and the sums of d.
  void add_parameters(std::size_t gate, const float* d, const float* operand,
                      float* dweights) const {
    const CudnnRnnGate place = cudnn_rnn_gate(rnn_, gate);
    const auto width = static_cast<std::int64_t>(rnn_.width());
    const float* column = d + gate % rnn_.gates() * rnn_.units;
    const auto product =
        multiply({column, 1, width}, {operand, static_cast<std::int64_t>(place.columns), 1},
                 rnn_.units, place.columns, n_.rows(), 1, rnn_.tf32);
    for (std::size_t i = 0; i < product.size(); ++i) dweights[place.matrix + i] += product[i];
    for (std::size_t row = 0; row < n_.rows(); ++row)
      for (std::size_t u = 0; u < rnn_.units; ++u)
        dweights[place.bias + u] += column[row * rnn_.width() + u];
  }

  const CudnnRnn& rnn_;
  const CudnnRnnExtents& n_;
  const CudnnRnnOperands& o_;
  std::size_t states_;
};

}  // namespace

CudnnRnnGate cudnn_rnn_gate(const CudnnRnn& rnn, std::size_t gate) {
  const std::size_t bias = padded(rnn.units), gates = rnn.gates();
  const std::size_t of_state = bias + padded(rnn.units * rnn.units),
                    of_input = bias + padded(rnn.units * rnn.inputs);
  const bool recurrent = gate >= gates;
  const std::size_t first = recurrent ? (2 * gates - 1 - gate) * of_state
                                      : gates * of_state + (gates - 1 - gate) * of_input;
  return {first + bias, first, recurrent ? rnn.units : rnn.inputs};
}

std::size_t cudnn_rnn_weights(const CudnnRnn& rnn) {
  const CudnnRnnGate last = cudnn_rnn_gate(rnn, 0);
  return last.matrix + padded(rnn.units * last.columns);
}

std::size_t cudnn_rnn_reserve(const CudnnRnn& rnn, std::size_t rows) {
  return reserve_head + rows * (5 * rnn.units + 2 * rnn.width());
}

void cudnn_rnn_forward(const CudnnRnn& rnn, const CudnnRnnExtents& n, const CudnnRnnOperands& o) {
  Loops(rnn, n, o).forward();
}

void cudnn_rnn_backward_data(const CudnnRnn& rnn, const CudnnRnnExtents& n,
                             const CudnnRnnOperands& o, const CudnnRnnGradients& d) {
  Loops(rnn, n, o).backward_data(d);
}

void cudnn_rnn_backward_weights(const CudnnRnn& rnn, const CudnnRnnExtents& n,
                                const CudnnRnnOperands& o, float* dweights) {
  Loops(rnn, n, o).backward_weights(dweights);
}

}  // namespace simcuda
