// References of reduce and of the gradient of its maximum.
#include "kernels/reduce.h"

#include <cmath>
#include <limits>

#include "engine/tune/registry.h"

namespace engine {
namespace {

// Calls body(index of the result, offset of the first element, stride) for every reduction.
template <class Body>
void for_each_result(const ReduceExtents& n, const Body& body) {
  for (std::int64_t o = 0; o < n.outer; ++o)
    for (std::int64_t i = 0; i < n.inner; ++i)
      body(static_cast<std::size_t>(o * n.inner + i),
           static_cast<std::size_t>(o * n.reduced * n.inner + i));
}

bool replaces(double candidate, double largest) {
  return candidate > largest || (std::isnan(candidate) && !std::isnan(largest));
}

void reduce(const Problem& problem, std::span<const ReferenceTensor> inputs,
            std::span<ReferenceTensor> outputs) {
  const auto kind = ReduceAttributes::from(problem.attributes).kind;
  const auto n = ReduceExtents::of(problem);
  const auto count = static_cast<std::size_t>(n.reduced);
  const auto stride = static_cast<std::size_t>(n.inner);
  outputs[0].magnitudes.resize(outputs[0].values.size());
  for_each_result(n, [&](std::size_t result, std::size_t first) {
    double sum = 0, absolute = 0, largest = -std::numeric_limits<double>::infinity();
    for (std::size_t r = 0; r < count; ++r) {
      const double x = inputs[0].values[first + r * stride];
      sum += x;
      absolute += std::abs(x);
      if (replaces(x, largest)) largest = x;
    }
    const double divisor = kind == ReduceKind::mean ? static_cast<double>(n.reduced) : 1;
    const bool is_max = kind == ReduceKind::max;
    outputs[0].values[result] = is_max ? largest : sum / divisor;
    outputs[0].magnitudes[result] = is_max ? std::abs(largest) : absolute / divisor;
  });
}

void reduce_max_gradient(const Problem& problem, std::span<const ReferenceTensor> inputs,
                         std::span<ReferenceTensor> outputs) {
  const auto n = ReduceExtents::of(problem);
  const auto count = static_cast<std::size_t>(n.reduced);
  const auto stride = static_cast<std::size_t>(n.inner);
  for_each_result(n, [&](std::size_t result, std::size_t first) {
    const double y = inputs[2].values[result];
    for (std::size_t r = 0; r < count; ++r) {
      const double x = inputs[1].values[first + r * stride];
      if (x != y && !(std::isnan(x) && std::isnan(y))) continue;
      outputs[0].values[first + r * stride] = inputs[0].values[result];
      return;
    }
  });
}

}  // namespace

void register_reduce_reference(ReferenceRegistry& registry) {
  registry.add("reduce", reduce);
  registry.add("reduce_max_gradient", reduce_max_gradient);
}

}  // namespace engine
