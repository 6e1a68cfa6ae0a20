// The element-wise functions on a CUDA device, from the table, four elements a thread.
#include "kernels/elementwise.h"

#include <string>

#include "engine/tune/registry.h"
#include "kernels/cuda/elementwise.cuh"

namespace engine {
namespace cuda {
namespace {

using Parameters = elementwise::Parameters<float>;

template <class F>
struct Value {
  Parameters p;
  __device__ float operator()(float x) const { return F::value(x, p); }
};

template <class F>
struct Gradient {
  Parameters p;
  __device__ float operator()(float dy, float saved) const { return F::gradient(dy, saved, p); }
};

template <class T>
const T* input(const LaunchArguments& arguments, std::size_t i) {
  return arguments.inputs[i].as<T>();
}

template <class T, class F>
void run_value(const LaunchArguments& arguments, const Value<F>& function) {
  const TensorView& y = arguments.outputs[0];
  run_elementwise(F::name.data(), arguments.stream, function, y.type.element_count(), y.as<T>(),
                  input<T>(arguments, 0));
}

template <class T, class F>
void run_gradient(const LaunchArguments& arguments, const Gradient<F>& function) {
  const TensorView& dx = arguments.outputs[0];
  run_elementwise(F::name.data(), arguments.stream, function, dx.type.element_count(), dx.as<T>(),
                  input<T>(arguments, 0), input<T>(arguments, 1));
}

template <class F>
SimpleCandidate::Launch prepare_value(const Problem& problem) {
  return [function = Value<F>{Parameters::from(problem.attributes)},
          narrow = problem.outputs.at(0).dtype == DType::bf16](const LaunchArguments& arguments) {
    narrow ? run_value<bfloat16>(arguments, function) : run_value<float>(arguments, function);
  };
}

template <class F>
SimpleCandidate::Launch prepare_gradient(const Problem& problem) {
  return [function = Gradient<F>{Parameters::from(problem.attributes)},
          narrow = problem.outputs.at(0).dtype == DType::bf16](const LaunchArguments& arguments) {
    narrow ? run_gradient<bfloat16>(arguments, function) : run_gradient<float>(arguments, function);
  };
}

template <class F>
void add(CandidateRegistry& registry) {
  SimpleCandidate candidate{.op = std::string(F::name),
                            .backend = "cuda",
                            .id = "cuda.simt",
                            .prepare = prepare_value<F>};
  registry.add(candidate);
  if constexpr (F::reads != Reads::nothing) {
    candidate.op += "_gradient";
    candidate.prepare = prepare_gradient<F>;
    registry.add(candidate);
  }
}

}  // namespace
}  // namespace cuda

void register_elementwise_cuda(CandidateRegistry& registry) {
#define ENGINE_ROW(name, ...) cuda::add<elementwise::name>(registry);
  ENGINE_ELEMENTWISE_TABLE(ENGINE_ROW)
#undef ENGINE_ROW
}

}  // namespace engine
