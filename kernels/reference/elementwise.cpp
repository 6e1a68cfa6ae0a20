// References of the element-wise functions and their gradients, from the table, in double.
//
// Magnitudes: a kernel may lose what a change of its operand by a rounding error would change, so
// the scale is |f(x)| + |x f'(x)|, with the derivative of whatever is computed taken numerically.
#include "kernels/elementwise.h"

#include <cmath>
#include <string>

#include "engine/tune/registry.h"

namespace engine {
namespace {

using Parameters = elementwise::Parameters<double>;

template <class F>
double magnitude_at(double x, const F& function) {
  constexpr double h = 1e-6;
  const double change = (function(x * (1 + h)) - function(x * (1 - h))) / (2 * h);
  return std::abs(function(x)) + (std::isfinite(change) ? std::abs(change) : 0);
}

template <class F>
void value(const Problem& problem, std::span<const ReferenceTensor> inputs,
           std::span<ReferenceTensor> outputs) {
  const auto p = Parameters::from(problem.attributes);
  const auto& x = inputs[0].values;
  for (std::size_t i = 0; i < x.size(); ++i) {
    outputs[0].values[i] = F::value(x[i], p);
    const double offset = std::abs(p.shift);
    outputs[0].magnitudes.push_back(offset +
                                    magnitude_at(x[i], [&](double at) { return F::value(at, p); }));
  }
}

template <class F>
void gradient(const Problem& problem, std::span<const ReferenceTensor> inputs,
              std::span<ReferenceTensor> outputs) {
  const auto p = Parameters::from(problem.attributes);
  const auto& dy = inputs[0].values;
  const auto& saved = inputs[1].values;
  for (std::size_t i = 0; i < dy.size(); ++i) {
    outputs[0].values[i] = F::gradient(dy[i], saved[i], p);
    outputs[0].magnitudes.push_back(
        magnitude_at(saved[i], [&](double at) { return F::gradient(dy[i], at, p); }));
  }
}

template <class F>
void add(ReferenceRegistry& registry) {
  registry.add(std::string(F::name), value<F>);
  if constexpr (F::reads != Reads::nothing)
    registry.add(std::string(F::name) + "_gradient", gradient<F>);
}

}  // namespace

void register_elementwise_reference(ReferenceRegistry& registry) {
#define ENGINE_ROW(name, ...) add<elementwise::name>(registry);
  ENGINE_ELEMENTWISE_TABLE(ENGINE_ROW)
#undef ENGINE_ROW
}

}  // namespace engine
