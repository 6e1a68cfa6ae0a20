#include "engine/tune/reference.h"

#include <cmath>
#include <limits>
#include <mutex>

#include "engine/device/cpu/parallel.h"
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

// Keeps element `i` if it is the worst so far.
void enter(Comparison& comparison, DType dtype, std::int64_t i, double got,
           const ReferenceElement& expected) {
  const double error = scaled_error(dtype, got, expected.value, expected.magnitude);
  if (error > comparison.worst) comparison = {error, i, got, expected.value};
}

// Where the matrix [rows, columns] that `index` counts row by row has that element in its
// transpose.
std::int64_t transposed(std::int64_t index, std::int64_t rows, std::int64_t columns) {
  const std::int64_t matrix = rows * columns, within = index % matrix;
  return index - within + within % columns * rows + within / columns;
}

// The place in storage of an element, by its number, and back.
std::int64_t place_of(const TensorType& type, std::int64_t element) {
  if (type.layout == Layout::row_major) return element;
  return transposed(element, type.shape[1], type.shape.elements_after(1));
}
std::int64_t element_at(const TensorType& type, std::int64_t place) {
  if (type.layout == Layout::row_major) return place;
  return transposed(place, type.shape.elements_after(1), type.shape[1]);
}

// Calls visit(element, place) for each element, by its number and by its place in storage.
template <class Visit>
void for_each_element(const TensorType& type, Visit visit) {
  const auto count = static_cast<std::size_t>(type.element_count());
  if (type.layout == Layout::row_major) {
    for (std::size_t i = 0; i < count; ++i) visit(i, i);
    return;
  }
  const auto channels = static_cast<std::size_t>(type.shape[1]);
  const auto positions = static_cast<std::size_t>(type.shape.elements_after(1));
  for (std::size_t image = 0; image < count; image += channels * positions)
    for (std::size_t c = 0; c < channels; ++c)
      for (std::size_t p = 0; p < positions; ++p)
        visit(image + c * positions + p, image + p * channels + c);
}

void evaluate_elements(ElementReference reference, const Problem& problem,
                       std::span<const ReferenceTensor> inputs,
                       std::span<ReferenceTensor> outputs) {
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    outputs[i].magnitudes.resize(outputs[i].values.size());
    for (std::size_t e = 0; e < outputs[i].values.size(); ++e) {
      const ReferenceElement element = reference(problem, inputs, i, e);
      outputs[i].values[e] = element.value;
      outputs[i].magnitudes[e] = element.magnitude;
    }
  }
}

}  // namespace

ReferenceTensor widen(const TensorType& type, const void* data) {
  ReferenceTensor tensor{
      type, std::vector<double>(static_cast<std::size_t>(type.element_count())), {}};
  visit_dtype(type.dtype, "widen", [&](auto zero) {
    const auto* elements = static_cast<const decltype(zero)*>(data);
    for_each_element(type, [&](std::size_t element, std::size_t place) {
      tensor.values[element] = static_cast<double>(elements[place]);
    });
  });
  return tensor;
}

void narrow(const ReferenceTensor& tensor, void* data) {
  visit_dtype(tensor.type.dtype, "narrow", [&](auto zero) {
    auto* elements = static_cast<decltype(zero)*>(data);
    for_each_element(tensor.type, [&](std::size_t element, std::size_t place) {
      elements[place] = static_cast<decltype(zero)>(tensor.values[element]);
    });
  });
}

std::vector<ReferenceTensor> evaluate_reference(const Problem& problem,
                                                std::span<const ReferenceTensor> inputs) {
  std::vector<ReferenceTensor> outputs;
  for (const TensorType& type : problem.outputs)
    outputs.push_back(
        {type, std::vector<double>(static_cast<std::size_t>(type.element_count())), {}});
  const AnyReference reference = ReferenceRegistry::global().find(problem.op);
  if (const auto* element = std::get_if<ElementReference>(&reference))
    evaluate_elements(*element, problem, inputs, outputs);
  else
    std::get<Reference>(reference)(problem, inputs, outputs);
  for (ReferenceTensor& output : outputs) {
    if (!output.magnitudes.empty()) continue;
    for (double value : output.values) output.magnitudes.push_back(std::abs(value));
  }
  return outputs;
}

bool derive_inputs(const Problem& problem, std::span<ReferenceTensor> inputs) {
  const DerivedInputs derive = ReferenceRegistry::global().derived_inputs(problem.op);
  if (derive == nullptr) return false;
  derive(problem, inputs);
  std::vector<std::byte> rounded;
  for (ReferenceTensor& input : inputs) {
    rounded.resize(input.type.bytes());
    narrow(input, rounded.data());
    input = widen(input.type, rounded.data());
  }
  return true;
}

Comparison compare(const TensorType& type, const void* data, const ReferenceTensor& expected) {
  ENGINE_CHECK(type.element_count() == static_cast<std::int64_t>(expected.values.size()),
               "compared tensors differ in size");
  const ReferenceTensor actual = widen(type, data);
  Comparison comparison;
  for (std::size_t i = 0; i < actual.values.size(); ++i)
    enter(comparison, type.dtype, static_cast<std::int64_t>(i), actual.values[i],
          {expected.values[i], expected.magnitudes[i]});
  return comparison;
}

// In place, and on all threads: outputs may have a hundred megabytes.
Comparison compare(const TensorType& type, const void* data, const void* trusted,
                   double magnitude) {
  Comparison worst;  // its place where others have the number of the element
  std::mutex mutex;
  visit_dtype(type.dtype, "compare", [&](auto zero) {
    const auto* got = static_cast<const decltype(zero)*>(data);
    const auto* expected = static_cast<const decltype(zero)*>(trusted);
    cpu::parallel_for(type.element_count(), 1 << 16, [&](std::int64_t begin, std::int64_t end) {
      Comparison part;
      for (std::int64_t i = begin; i < end; ++i)
        enter(part, type.dtype, i, static_cast<double>(got[i]),
              {static_cast<double>(expected[i]), magnitude});
      const std::lock_guard lock(mutex);
      if (part.worst > worst.worst || (part.worst == worst.worst && part.at < worst.at))
        worst = part;
    });
  });
  if (worst.at >= 0) worst.at = element_at(type, worst.at);
  return worst;
}

Comparison compare(const TensorType& type, const void* data, std::span<const Sample> samples) {
  Comparison comparison;
  visit_dtype(type.dtype, "compare", [&](auto zero) {
    const auto* got = static_cast<const decltype(zero)*>(data);
    for (const Sample& sample : samples) {
      const auto element = static_cast<std::int64_t>(sample.element);
      enter(comparison, type.dtype, element, static_cast<double>(got[place_of(type, element)]),
            sample.expected);
    }
  });
  return comparison;
}

}  // namespace engine
