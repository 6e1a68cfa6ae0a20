// Softmax, its logarithm, and their gradients from the result. All that is summed over a row is
// read before the first write to it: results may take the place of operands.
#include "kernels/softmax.h"

#include <cmath>

#include "engine/device/cpu/parallel.h"
#include "engine/tune/registry.h"
#include "kernels/cpu/softmax_row.h"

namespace engine {
namespace cpu {
namespace {

template <bool kLog>
ENGINE_SIMD_INLINE void softmax_row(const float* x, float* y, std::int64_t length) {
  const SoftmaxStatistics row = softmax_statistics(x, length);
  const float rest = kLog ? std::log(row.sum) : 1.0f / row.sum;
  float chunk[kChunk];
  for (std::int64_t j = 0; j < length; j += kChunk) {
    load_chunk(chunk, x + j, length - j, kLogitPadding);
    for (int i = 0; i < kChunk; ++i) {
      const float shifted = chunk[i] - row.maximum;
      chunk[i] = kLog ? shifted - rest : real::exp(shifted) * rest;
    }
    store_chunk(chunk, y + j, length - j);
  }
}

template <bool kLog>
ENGINE_SIMD_INLINE void gradient_row(const float* dy, const float* y, float* dx,
                                     std::int64_t length) {
  const auto sum = static_cast<float>(sum_terms(
      length, [=](std::int64_t j) { return kLog ? double{dy[j]} : double{dy[j]} * double{y[j]}; }));
  ENGINE_SIMD_LOOP
  for (std::int64_t j = 0; j < length; ++j)
    dx[j] = kLog ? dy[j] - real::exp(y[j]) * sum : y[j] * (dy[j] - sum);
}

ENGINE_SIMD_CLONES
void softmax_rows(const float* x, float* y, std::int64_t rows, std::int64_t length) {
  for (std::int64_t r = 0; r < rows; ++r)
    softmax_row<false>(x + r * length, y + r * length, length);
}

ENGINE_SIMD_CLONES
void log_softmax_rows(const float* x, float* y, std::int64_t rows, std::int64_t length) {
  for (std::int64_t r = 0; r < rows; ++r) softmax_row<true>(x + r * length, y + r * length, length);
}

ENGINE_SIMD_CLONES
void softmax_gradient_rows(const float* dy, const float* y, float* dx, std::int64_t rows,
                           std::int64_t length) {
  for (std::int64_t r = 0; r < rows; ++r)
    gradient_row<false>(dy + r * length, y + r * length, dx + r * length, length);
}

ENGINE_SIMD_CLONES
void log_softmax_gradient_rows(const float* dy, const float* y, float* dx, std::int64_t rows,
                               std::int64_t length) {
  for (std::int64_t r = 0; r < rows; ++r)
    gradient_row<true>(dy + r * length, y + r * length, dx + r * length, length);
}

// Calls body(first element, rows) on all threads.
template <class F>
void parallel_rows(const TensorType& type, const F& body) {
  const std::int64_t length = type.shape[-1];
  if (length == 0) return;
  parallel_for(type.element_count() / length, row_grain(length),
               [&](std::int64_t begin, std::int64_t end) {
                 const FlushDenormals flush;
                 body(begin * length, end - begin, length);
               });
}

void add(CandidateRegistry& registry, const char* op,
         void (*rows)(const float*, float*, std::int64_t, std::int64_t)) {
  registry.add(SimpleCandidate{
      .op = op, .backend = "cpu", .id = "cpu.simd", .prepare = [rows](const Problem&) {
        return [rows](const LaunchArguments& arguments) {
          const float* x = arguments.inputs[0].as<float>();
          float* y = arguments.outputs[0].as<float>();
          parallel_rows(arguments.inputs[0].type, [&](auto first, auto count, auto length) {
            rows(x + first, y + first, count, length);
          });
        };
      }});
}

void add_gradient(CandidateRegistry& registry, const char* op,
                  void (*rows)(const float*, const float*, float*, std::int64_t, std::int64_t)) {
  registry.add(SimpleCandidate{
      .op = op, .backend = "cpu", .id = "cpu.simd", .prepare = [rows](const Problem&) {
        return [rows](const LaunchArguments& arguments) {
          const float* dy = arguments.inputs[0].as<float>();
          const float* y = arguments.inputs[1].as<float>();
          float* dx = arguments.outputs[0].as<float>();
          parallel_rows(arguments.inputs[0].type, [&](auto first, auto count, auto length) {
            rows(dy + first, y + first, dx + first, count, length);
          });
        };
      }});
}

}  // namespace
}  // namespace cpu

void register_softmax_cpu(CandidateRegistry& registry) {
  cpu::add(registry, "softmax", cpu::softmax_rows);
  cpu::add(registry, "log_softmax", cpu::log_softmax_rows);
  cpu::add_gradient(registry, "softmax_gradient", cpu::softmax_gradient_rows);
  cpu::add_gradient(registry, "log_softmax_gradient", cpu::log_softmax_gradient_rows);
}

}  // namespace engine
