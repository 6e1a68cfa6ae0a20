// The element-wise functions on the CPU: two vectorized loops a row of the table.
#include "kernels/elementwise.h"

#include <string>

#include "engine/tune/registry.h"
#include "kernels/cpu/bfloat16.h"

namespace engine {
namespace cpu {
namespace {

using Parameters = elementwise::Parameters<float>;
using ValueLoop = void (*)(const float* x, float* y, std::int64_t count, Parameters p);
using GradientLoop = void (*)(const float* dy, const float* saved, float* dx, std::int64_t count,
                              Parameters p);

template <class F>
ENGINE_SIMD_INLINE void value_loop(const float* x, float* y, std::int64_t count,
                                   const Parameters& p) {
  ENGINE_SIMD_LOOP
  for (std::int64_t i = 0; i < count; ++i) y[i] = F::value(x[i], p);
}

template <class F>
ENGINE_SIMD_INLINE void gradient_loop(const float* dy, const float* saved, float* dx,
                                      std::int64_t count, const Parameters& p) {
  ENGINE_SIMD_LOOP
  for (std::int64_t i = 0; i < count; ++i) dx[i] = F::gradient(dy[i], saved[i], p);
}

// SIMD clones cannot be made of templates, so every row gets a plain function for each loop.
#define ENGINE_ROW(name, ...)                                                             \
  ENGINE_SIMD_CLONES void name##_value(const float* x, float* y, std::int64_t count,      \
                                       Parameters p) {                                    \
    value_loop<elementwise::name>(x, y, count, p);                                        \
  }                                                                                       \
  [[maybe_unused]] ENGINE_SIMD_CLONES void name##_gradient(                               \
      const float* dy, const float* saved, float* dx, std::int64_t count, Parameters p) { \
    gradient_loop<elementwise::name>(dy, saved, dx, count, p);                            \
  }
ENGINE_ELEMENTWISE_TABLE(ENGINE_ROW)
#undef ENGINE_ROW

SimpleCandidate::Launch prepare_value(const Problem& problem, ValueLoop loop) {
  return [loop, p = Parameters::from(problem.attributes)](const LaunchArguments& arguments) {
    for_each_float_range(
        [&](std::int64_t, std::int64_t count, float* y, const float* x) { loop(x, y, count, p); },
        arguments.outputs[0], arguments.inputs[0]);
  };
}

SimpleCandidate::Launch prepare_gradient(const Problem& problem, GradientLoop loop) {
  return [loop, p = Parameters::from(problem.attributes)](const LaunchArguments& arguments) {
    for_each_float_range([&](std::int64_t, std::int64_t count, float* dx, const float* dy,
                             const float* saved) { loop(dy, saved, dx, count, p); },
                         arguments.outputs[0], arguments.inputs[0], arguments.inputs[1]);
  };
}

void add(CandidateRegistry& registry, const ElementwiseFunction& function, ValueLoop value,
         GradientLoop gradient) {
  SimpleCandidate candidate{
      .op = std::string(function.name),
      .backend = "cpu",
      .id = "cpu.simd",
      .prepare = [value](const Problem& problem) { return prepare_value(problem, value); }};
  registry.add(candidate);
  if (function.reads == Reads::nothing) return;
  candidate.op += "_gradient";
  candidate.prepare = [gradient](const Problem& problem) {
    return prepare_gradient(problem, gradient);
  };
  registry.add(candidate);
}

}  // namespace
}  // namespace cpu

void register_elementwise_cpu(CandidateRegistry& registry) {
#define ENGINE_ROW(name_, ...)                                                                  \
  cpu::add(registry, {elementwise::name_::name, elementwise::name_::reads}, cpu::name_##_value, \
           cpu::name_##_gradient);
  ENGINE_ELEMENTWISE_TABLE(ENGINE_ROW)
#undef ENGINE_ROW
}

}  // namespace engine
