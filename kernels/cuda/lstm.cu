// The cell of lstm; steps and products are those of recurrent.h.
#include "kernels/lstm.h"

#include "kernels/cuda/recurrent_kernels.cuh"
#include "kernels/real_functions.h"

namespace engine {
namespace cuda {
namespace {

struct LstmCell {
  static constexpr int kStates = kLstm.states, kGates = kLstm.gates, kColumns = kLstm.input_gates;
  static constexpr bool kLate = false, kTwoGradients = false;

  /// From the columns of x·w + b and of s·r.
  __device__ static States forward(const float (&xw)[4], const float (&q)[4], States before,
                                   float (&gates)[4]) {
    const float i = real::sigmoid(xw[0] + q[0]), f = real::sigmoid(xw[1] + q[1]),
                g = real::tanh(xw[2] + q[2]), o = real::sigmoid(xw[3] + q[3]);
    gates[0] = i;
    gates[1] = f;
    gates[2] = g;
    gates[3] = o;
    const float c = f * before.c + i * g;
    return {o * real::tanh(c), c};
  }

  /// From the gradients at the states after a step to those before it, but for what comes by s·r.
  __device__ static States backward(const StepValues<LstmCell>& values, States d, float (&dz)[4],
                                    float (&dq)[4]) {
    const float i = values.gates[0], f = values.gates[1], g = values.gates[2], o = values.gates[3];
    const float t = real::tanh(values.c_after);
    const float dc = d.c + d.h * o * (1.0f - t * t);
    dz[0] = dc * g * i * (1.0f - i);
    dz[1] = dc * values.c * f * (1.0f - f);
    dz[2] = dc * i * (1.0f - g * g);
    dz[3] = d.h * t * o * (1.0f - o);
#pragma unroll
    for (int gate = 0; gate < 4; ++gate) dq[gate] = dz[gate];
    return {0.0f, dc * f};
  }
};

constexpr RecurrentKernels kLstmKernels = recurrent_kernels<LstmCell>(kLstm);

}  // namespace
}  // namespace cuda

void register_lstm_cuda(CandidateRegistry& registry) {
  cuda::add_recurrent(registry, cuda::kLstmKernels);
}

}  // namespace engine
