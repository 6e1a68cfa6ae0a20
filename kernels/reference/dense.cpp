// References of dense and its two gradients. The magnitude of a product is |A|·|B|: the scale in
// which every order of summation, blocked or not, makes its rounding errors.
#include "kernels/dense.h"

#include <cmath>

#include "engine/tune/registry.h"
#include "kernels/reference/epilogue.h"
#include "kernels/reference/transposed.h"

namespace engine {
namespace {

// out[rows, columns] = a[rows, depth] · b[depth, columns], with magnitudes.
void multiply(const std::vector<double>& a, const std::vector<double>& b, std::size_t rows,
              std::size_t columns, std::size_t depth, ReferenceTensor& out) {
  out.magnitudes.assign(rows * columns, 0);
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t k = 0; k < depth; ++k)
      for (std::size_t j = 0; j < columns; ++j) {
        const double term = a[i * depth + k] * b[k * columns + j];
        out.values[i * columns + j] += term;
        out.magnitudes[i * columns + j] += std::abs(term);
      }
}

struct Extents {
  std::size_t batch, inputs, outputs;
  explicit Extents(const Problem& problem) {
    const DenseExtents e = DenseExtents::of(problem);
    batch = static_cast<std::size_t>(e.batch);
    inputs = static_cast<std::size_t>(e.inputs);
    outputs = static_cast<std::size_t>(e.outputs);
  }
};

std::vector<double> weight_of(const Problem& problem, const ReferenceTensor& weight) {
  std::vector<double> values = weight.values;
  for (double& value : values) value = multiplied_weight(problem, value);
  return values;
}

void dense(const Problem& problem, std::span<const ReferenceTensor> inputs,
           std::span<ReferenceTensor> outputs) {
  const Extents n(problem);
  ReferenceTensor& y = outputs[0];
  multiply(inputs[0].values, weight_of(problem, inputs[1]), n.batch, n.outputs, n.inputs, y);
  const auto epilogue = DenseAttributes::from(problem.attributes);
  for (std::size_t e = 0; e < y.values.size(); ++e) {
    ReferenceElement element{y.values[e], y.magnitudes[e]};
    apply_epilogue(epilogue, e % n.outputs, inputs, e, element);
    y.values[e] = element.value;
    y.magnitudes[e] = element.magnitude;
  }
}

void dense_input_gradient(const Problem& problem, std::span<const ReferenceTensor> inputs,
                          std::span<ReferenceTensor> outputs) {
  const Extents n(problem);
  multiply(inputs[0].values, transposed(weight_of(problem, inputs[1]), n.inputs, n.outputs),
           n.batch, n.inputs, n.outputs, outputs[0]);
}

void dense_weight_gradient(const Problem& problem, std::span<const ReferenceTensor> inputs,
                           std::span<ReferenceTensor> outputs) {
  const Extents n(problem);
  const std::vector<double> ones(n.batch, 1.0);
  const auto& dz = inputs[1].values;
  multiply(transposed(inputs[0].values, n.batch, n.inputs), dz, n.inputs, n.outputs, n.batch,
           outputs[0]);
  multiply(ones, dz, 1, n.outputs, n.batch, outputs[1]);
}

}  // namespace

void register_dense_reference(ReferenceRegistry& registry) {
  registry.add("dense", dense);
  registry.add("dense_input_gradient", dense_input_gradient);
  registry.add("dense_weight_gradient", dense_weight_gradient);
}

}  // namespace engine
