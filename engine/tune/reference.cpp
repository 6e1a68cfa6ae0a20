#include "engine/tune/reference.h"

#include <cmath>
#include <limits>

#include "engine/tune/registry.h"

namespace engine {
namespace {

double epsilon(DType dtype) {
  if (dtype == DType::bf16) return 0x1p-7;
  if (dtype == DType::f32) return std::numeric_limits<float>::epsilon();
  return std::numeric_limits<double>::epsilon();
}

double smallest_normal(DType dtype) {
  return dtype == DType::f64 ? std::numeric_limits<double>::min()
                             : std::numeric_limits<float>::min();
}

// Error in units of eps * magnitude.
double scaled_error(DType dtype, double got, double expected, double magnitude) {
  if (got == expected || (std::isnan(got) && std::isnan(expected))) return 0;
  if (!is_floating(dtype) || !std::isfinite(got) || !std::isfinite(expected))
    return std::numeric_limits<double>::infinity();
  const double floor = smallest_normal(dtype) / epsilon(dtype);
  const double error =
      std::abs(got - expected) / (epsilon(dtype) * std::max(floor, std::abs(magnitude)));
  return std::isnan(error) ? std::numeric_limits<double>::infinity() : error;
}

}  // namespace

ReferenceTensor widen(const TensorType& type, const void* data) {
  ReferenceTensor tensor{type, {}, {}};
  visit_dtype(type.dtype, "widen", [&](auto zero) {
    const auto* elements = static_cast<const decltype(zero)*>(data);
    tensor.values.assign(elements, elements + type.element_count());
  });
  return tensor;
}

void narrow(const ReferenceTensor& tensor, void* data) {
  visit_dtype(tensor.type.dtype, "narrow", [&](auto zero) {
    auto* elements = static_cast<decltype(zero)*>(data);
    for (std::size_t i = 0; i < tensor.values.size(); ++i)
      elements[i] = static_cast<decltype(zero)>(tensor.values[i]);
  });
}

std::vector<ReferenceTensor> evaluate_reference(const Problem& problem,
                                                std::span<const ReferenceTensor> inputs) {
  std::vector<ReferenceTensor> outputs;
  for (const TensorType& type : problem.outputs)
    outputs.push_back(
        {type, std::vector<double>(static_cast<std::size_t>(type.element_count())), {}});
  ReferenceRegistry::global().find(problem.op)(problem, inputs, outputs);
  for (ReferenceTensor& output : outputs) {
    if (!output.magnitudes.empty()) continue;
    for (double value : output.values) output.magnitudes.push_back(std::abs(value));
  }
  return outputs;
}

Comparison compare(const TensorType& type, const void* data, const ReferenceTensor& expected) {
  ENGINE_CHECK(type.element_count() == static_cast<std::int64_t>(expected.values.size()),
               "compared tensors differ in size");
  const ReferenceTensor actual = widen(type, data);
  Comparison comparison;
  for (std::size_t i = 0; i < actual.values.size(); ++i) {
    const double error =
        scaled_error(type.dtype, actual.values[i], expected.values[i], expected.magnitudes[i]);
    if (error <= comparison.worst) continue;
    comparison = {error, static_cast<std::int64_t>(i), actual.values[i], expected.values[i]};
  }
  return comparison;
}

}  // namespace engine
