// The cells of gru and gru_reset_after; steps and products are those of recurrent.h.
#include "kernels/gru.h"

#include "kernels/cuda/recurrent_kernels.cuh"
#include "kernels/real_functions.h"

namespace engine {
namespace cuda {
namespace {

// At the arguments of z and n; gives the gradient at the state before, directly.
template <class Cell>
__device__ States start_backward(const StepValues<Cell>& values, States d, float (&dz)[3]) {
  const float z = values.gates[0], n = values.gates[2];
  dz[0] = d.h * (values.h - n) * z * (1.0f - z);
  dz[2] = d.h * (1.0f - z) * (1.0f - n * n);
  return {d.h * z, 0.0f};
}

struct GruCell {
  static constexpr int kStates = kGru.states, kGates = kGru.gates, kColumns = kGru.input_gates;
  static constexpr bool kLate = true, kTwoGradients = false;

  /// The reset gate, from its argument.
  __device__ static float reset(float argument) { return real::sigmoid(argument); }

  __device__ static States forward(const float (&xw)[3], const float (&q)[3], States before,
                                   float (&gates)[3]) {
    const float z = real::sigmoid(xw[0] + q[0]), n = real::tanh(xw[2] + q[2]);
    gates[0] = z;
    gates[1] = reset(xw[1] + q[1]);
    gates[2] = n;
    return {z * before.h + (1.0f - z) * n, 0.0f};
  }

  /// All but the reset gate, which waits for the product behind it.
  __device__ static States backward(const StepValues<GruCell>& values, States d, float (&dz)[3],
                                    float (&dq)[3]) {
    const States before = start_backward(values, d, dz);
    dq[0] = dz[0];
    dq[1] = 0.0f;
    dq[2] = dz[2];
    return before;
  }
};

struct ResetAfterCell {
  static constexpr int kStates = kGruResetAfter.states, kGates = kGruResetAfter.gates,
                       kColumns = kGruResetAfter.input_gates;
  static constexpr bool kLate = false, kTwoGradients = true;

  __device__ static States forward(const float (&xw)[3], const float (&q)[3], States before,
                                   float (&gates)[4]) {
    const float z = real::sigmoid(xw[0] + q[0]), r = real::sigmoid(xw[1] + q[1]);
    const float n = real::tanh(xw[2] + r * q[2]);
    gates[0] = z;
    gates[1] = r;
    gates[2] = n;
    gates[3] = q[2];
    return {z * before.h + (1.0f - z) * n, 0.0f};
  }

  __device__ static States backward(const StepValues<ResetAfterCell>& values, States d,
                                    float (&dz)[3], float (&dq)[3]) {
    const States before = start_backward(values, d, dz);
    const float r = values.gates[1];
    dz[1] = dz[2] * values.gates[3] * r * (1.0f - r);
    dq[0] = dz[0];
    dq[1] = dz[1];
    dq[2] = dz[2] * r;
    return before;
  }
};

constexpr RecurrentKernels kGruKernels = recurrent_kernels<GruCell>(kGru);
constexpr RecurrentKernels kResetAfterKernels = recurrent_kernels<ResetAfterCell>(kGruResetAfter);

}  // namespace
}  // namespace cuda

void register_gru_cuda(CandidateRegistry& registry) {
  cuda::add_recurrent(registry, cuda::kGruKernels);
  cuda::add_recurrent(registry, cuda::kResetAfterKernels);
}

}  // namespace engine
