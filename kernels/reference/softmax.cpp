// References of softmax, log_softmax and their gradients.
#include "kernels/softmax.h"

#include "engine/tune/registry.h"
#include "kernels/reference/softmax_row.h"

namespace engine {
namespace {

// Calls row(begin, end) for the elements of every row.
template <class F>
void each_row(const Problem& problem, const F& row) {
  const TensorType& type = problem.inputs[0];
  const auto length = static_cast<std::size_t>(type.shape[-1]);
  const auto count = static_cast<std::size_t>(type.element_count());
  for (std::size_t begin = 0; begin < count; begin += length) row(begin, begin + length);
}

template <bool kLog>
void softmax(const Problem& problem, std::span<const ReferenceTensor> inputs,
             std::span<ReferenceTensor> outputs) {
  each_row(problem, [&](std::size_t begin, std::size_t end) {
    const SoftmaxRow row(std::span(inputs[0].values).subspan(begin, end - begin));
    for (std::size_t i = begin; i < end; ++i) {
      const double x = inputs[0].values[i], p = row.probability(x);
      outputs[0].values[i] = kLog ? x - row.largest - std::log(row.sum) : p;
      outputs[0].magnitudes.push_back(kLog ? row.uncertainty(x) + std::log(row.sum)
                                           : p * row.uncertainty(x));
    }
  });
}

template <bool kLog>
void softmax_gradient(const Problem& problem, std::span<const ReferenceTensor> inputs,
                      std::span<ReferenceTensor> outputs) {
  const auto& dy = inputs[0].values;
  const auto& y = inputs[1].values;
  each_row(problem, [&](std::size_t begin, std::size_t end) {
    double sum = 0, magnitude = 0;
    for (std::size_t i = begin; i < end; ++i) {
      const double term = kLog ? dy[i] : dy[i] * y[i];
      sum += term;
      magnitude += std::abs(term);
    }
    for (std::size_t i = begin; i < end; ++i) {
      const double p = kLog ? std::exp(y[i]) : y[i];
      outputs[0].values[i] = kLog ? dy[i] - p * sum : p * (dy[i] - sum);
      outputs[0].magnitudes.push_back((kLog ? 1 : std::abs(p)) * std::abs(dy[i]) +
                                      std::abs(p) * magnitude);
    }
  });
}

}  // namespace

void register_softmax_reference(ReferenceRegistry& registry) {
  registry.add("softmax", softmax<false>);
  registry.add("log_softmax", softmax<true>);
  registry.add("softmax_gradient", softmax_gradient<false>);
  registry.add("log_softmax_gradient", softmax_gradient<true>);
}

}  // namespace engine
