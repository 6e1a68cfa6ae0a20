// The cell of lstm; products and steps are those of recurrent_blocks.h.
#include "kernels/lstm.h"

#include "kernels/cpu/recurrent_blocks.h"
#include "kernels/cpu/simd.h"
#include "kernels/real_functions.h"

namespace engine {
namespace cpu {
namespace {

// In two loops: the chain from z to y is so long that the processor, which looks a few hundred
// instructions ahead, would wait at its end.
ENGINE_SIMD_CLONES
void forward(const float* z, const float* c, float* h_next, float* c_next, float* y, float* cells,
             float* gates, std::int64_t units) {
  for_each_lane(
      units, [=](std::int64_t u) __attribute__((always_inline)) {
        const float i = real::sigmoid(z[u]), f = real::sigmoid(z[units + u]),
                    g = real::tanh(z[2 * units + u]);
        gates[u] = i;
        gates[units + u] = f;
        gates[2 * units + u] = g;
        c_next[u] = cells[u] = f * c[u] + i * g;
      });
  for_each_lane(
      units, [=](std::int64_t u) __attribute__((always_inline)) {
        const float o = real::sigmoid(z[3 * units + u]);
        gates[3 * units + u] = o;
        h_next[u] = y[u] = o * real::tanh(c_next[u]);
      });
}

ENGINE_SIMD_CLONES
void backward(const float* gates, const float* c, const float* c_next, float* dh, float* dc,
              float* dz, std::int64_t units) {
  for_each_lane(
      units, [=](std::int64_t u) __attribute__((always_inline)) {
        const float i = gates[u], f = gates[units + u], g = gates[2 * units + u],
                    o = gates[3 * units + u];
        const float t = real::tanh(c_next[u]);
        const float cell = dc[u] + dh[u] * o * (1.0f - t * t);
        dz[u] = cell * g * i * (1.0f - i);
        dz[units + u] = cell * c[u] * f * (1.0f - f);
        dz[2 * units + u] = cell * i * (1.0f - g * g);
        dz[3 * units + u] = dh[u] * t * o * (1.0f - o);
        dc[u] = cell * f;
        dh[u] = 0.0f;
      });
}

constexpr RecurrentColumns kColumns{
    .cell = kLstm,
    .count = 4,
    .input_gates = {0, 1, 2, 3},
    .first_recurrent = 0,
    .recurrent_count = 4,
    .recurrent_gates = {0, 1, 2, 3},
    .forward =
        [](const ForwardRow& row) {
          forward(row.z, row.c, row.h_next, row.c_next, row.y, row.cell, row.gates, row.units);
        },
    .backward =
        [](const BackwardRow& row) {
          backward(row.gates, row.c, row.c_next, row.dh, row.dc, row.dz, row.units);
        }};

}  // namespace
}  // namespace cpu

void register_lstm_cpu(CandidateRegistry& registry) {
  cpu::add_recurrent(registry, cpu::kColumns);
}

}  // namespace engine
