// The cells of gru (columns n, z, r) and gru_reset_after (n, z, r, q); products and steps are those
// of recurrent_blocks.h.
#include "kernels/gru.h"

#include "kernels/cpu/recurrent_blocks.h"
#include "kernels/cpu/simd.h"
#include "kernels/real_functions.h"

namespace engine {
namespace cpu {
namespace {

ENGINE_SIMD_CLONES
void forward(const float* z, const float* h, float* h_next, float* y, float* gates,
             std::int64_t units) {
  for_each_lane(
      units, [=](std::int64_t u) __attribute__((always_inline)) {
        const float update = real::sigmoid(z[units + u]), reset = real::sigmoid(z[2 * units + u]);
        const float n = real::tanh(z[u]);
        gates[u] = update;
        gates[units + u] = reset;
        gates[2 * units + u] = n;
        h_next[u] = y[u] = update * h[u] + (1.0f - update) * n;
      });
}

// In two loops: the chain from the reset gate to y is so long that the processor, which looks a few
// hundred instructions ahead, would wait at its end.
ENGINE_SIMD_CLONES
void forward_reset_after(const float* z, const float* h, float* h_next, float* y, float* gates,
                         std::int64_t units) {
  for_each_lane(
      units, [=](std::int64_t u) __attribute__((always_inline)) {
        gates[units + u] = real::sigmoid(z[2 * units + u]);
      });
  for_each_lane(
      units, [=](std::int64_t u) __attribute__((always_inline)) {
        const float update = real::sigmoid(z[units + u]);
        const float q = z[3 * units + u], n = real::tanh(z[u] + gates[units + u] * q);
        gates[u] = update;
        gates[2 * units + u] = n;
        gates[3 * units + u] = q;
        h_next[u] = y[u] = update * h[u] + (1.0f - update) * n;
      });
}

ENGINE_SIMD_CLONES
void backward(const float* gates, const float* h, float* dh, float* dz, std::int64_t units) {
  ENGINE_SIMD_LOOP
  for (std::int64_t u = 0; u < units; ++u) {
    const float update = gates[u], n = gates[2 * units + u], gradient = dh[u];
    dz[u] = gradient * (1.0f - update) * (1.0f - n * n);
    dz[units + u] = gradient * (h[u] - n) * update * (1.0f - update);
    dh[u] = gradient * update;
  }
}

ENGINE_SIMD_CLONES
void backward_reset_after(const float* gates, const float* h, float* dh, float* dz,
                          std::int64_t units) {
  ENGINE_SIMD_LOOP
  for (std::int64_t u = 0; u < units; ++u) {
    const float update = gates[u], reset = gates[units + u], n = gates[2 * units + u],
                q = gates[3 * units + u], gradient = dh[u];
    const float dn = gradient * (1.0f - update) * (1.0f - n * n);
    dz[u] = dn;
    dz[units + u] = gradient * (h[u] - n) * update * (1.0f - update);
    dz[2 * units + u] = dn * q * reset * (1.0f - reset);
    dz[3 * units + u] = dn * reset;
    dh[u] = gradient * update;
  }
}

ENGINE_SIMD_CLONES
void reset_forward(const float* s, const float* gate, float* operand, std::int64_t units) {
  ENGINE_SIMD_LOOP
  for (std::int64_t u = 0; u < units; ++u) operand[u] = real::sigmoid(gate[u]) * s[u];
}

ENGINE_SIMD_CLONES
void reset_backward(const float* s, const float* gate, const float* d_operand, float* operand,
                    float* dr, float* ds, std::int64_t units) {
  ENGINE_SIMD_LOOP
  for (std::int64_t u = 0; u < units; ++u) {
    operand[u] = gate[u] * s[u];
    dr[u] = d_operand[u] * s[u] * gate[u] * (1.0f - gate[u]);
    ds[u] += d_operand[u] * gate[u];
  }
}

constexpr RecurrentColumns kColumns{
    .cell = kGru,
    .count = 3,
    .input_gates = {2, 0, 1},
    .first_recurrent = 1,
    .recurrent_count = 2,
    .recurrent_gates = {0, 1},
    .forward =
        [](const ForwardRow& row) {
          forward(row.z, row.h, row.h_next, row.y, row.gates, row.units);
        },
    .backward =
        [](const BackwardRow& row) { backward(row.gates, row.h, row.dh, row.dz, row.units); },
    .reset_forward =
        [](const ResetRow& row) { reset_forward(row.s, row.gate, row.operand, row.units); },
    .reset_backward =
        [](const ResetRow& row) {
          reset_backward(row.s, row.gate, row.d_operand, row.operand, row.dr, row.ds, row.units);
        },
    .reset_column = 2};

constexpr RecurrentColumns kColumnsResetAfter{
    .cell = kGruResetAfter,
    .count = 4,
    .input_gates = {2, 0, 1},
    .first_recurrent = 1,
    .recurrent_count = 3,
    .recurrent_gates = {0, 1, 2},
    .forward =
        [](const ForwardRow& row) {
          forward_reset_after(row.z, row.h, row.h_next, row.y, row.gates, row.units);
        },
    .backward =
        [](const BackwardRow& row) {
          backward_reset_after(row.gates, row.h, row.dh, row.dz, row.units);
        }};

}  // namespace
}  // namespace cpu

void register_gru_cpu(CandidateRegistry& registry) {
  cpu::add_recurrent(registry, cpu::kColumns);
  cpu::add_recurrent(registry, cpu::kColumnsResetAfter);
}

}  // namespace engine
